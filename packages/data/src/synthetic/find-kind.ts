import { KdcError } from "@kdc-mae/core";
import type { Kind } from "./kind.js";
import { allKinds, kinds } from "./kinds/index.js";

/**
 * The kind of a name.
 *
 * @throws KdcError with reason `kind` when there is no such kind
 */
export function findKind(name: string): Kind {
  const kind = allKinds.find((candidate) => candidate.name === name);
  if (kind !== undefined) return kind;
  throw new KdcError({
    where: "findKind",
    what: `there is no kind named "${name}"`,
    remedy: `Use one of ${kinds.join(", ")}`,
    reason: "kind",
  });
}
