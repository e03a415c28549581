import { createHash } from "node:crypto";
import { join } from "node:path";
import { beginFile, makeFolder } from "@kdc-mae/core/node";
import { refused } from "./hub-address.js";

/** What a hub says of a file: its SHA-256 where it is stored by that, as large files are. */
export type HubFile = { readonly path: string; readonly size: number; readonly sha256?: string };

/**
 * Fetches a file; it appears whole and right, or not at all.
 *
 * @param ask gives its bytes
 * @param doing for messages
 * @throws KdcError (`hub`) for bytes that are not those the hub says
 */
export async function fetchTo(
  path: string,
  ask: () => Promise<Blob | null>,
  { path: name, size, sha256 }: HubFile,
  doing: string,
): Promise<void> {
  const blob = await ask();
  if (blob === null) throw refused(doing, `there is no ${name}`);
  await makeFolder(join(path, ".."));
  const file = await beginFile(path);
  try {
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const part of blob.stream()) {
      hash.update(part);
      bytes += part.length;
      await file.write(part);
    }
    if (bytes !== size) throw refused(doing, `${name} arrived with ${bytes} of its ${size} bytes`);
    if (sha256 !== undefined && hash.digest("hex") !== sha256)
      throw refused(doing, `${name} is not the file that the hub lists: its SHA-256 differs`);
    await file.finish();
  } catch (error) {
    await file.discard();
    throw error;
  }
}
