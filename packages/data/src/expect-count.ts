import { KdcError } from "@kdc-mae/core";

/**
 * A number of things at once: of none, or of `undefined`, nothing would be done and everything be reported as finished.
 *
 * @throws KdcError (reason `option`) for anything but a whole number of 1 or more
 */
export function expectCount(where: string, name: string, value: unknown): void {
  if (Number.isInteger(value) && (value as number) >= 1) return;
  throw new KdcError({
    where,
    what: `${name} is ${typeof value === "string" ? JSON.stringify(value) : String(value)}`,
    remedy: "Give a whole number of 1 or more",
    reason: "option",
  });
}
