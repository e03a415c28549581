import { realpath } from "node:fs/promises";
import { KdcError } from "@kdc-mae/core";

/**
 * Refuses to write into the folder that is read: what is written would be among the media, and the folder be taken for a
 * prepared set or an index from then on.
 *
 * @throws KdcError (`usage`)
 */
export async function expectApart(option: string, out: string, read: string): Promise<void> {
  const [to, from] = await Promise.all([out, read].map((path) => realpath(path).catch(() => undefined)));
  if (to === undefined || to !== from) return;
  throw new KdcError({
    where: `${option} ${out}`,
    what: "it is the folder that is read",
    remedy: "Give another folder",
    reason: "usage",
  });
}
