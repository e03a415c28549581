import { KdcError } from "@kdc-mae/core";

/**
 * A number of things at once: of none, or of `undefined`, nothing would be done and everything be reported as finished.
 *
 * @throws KdcError (reason `option`) for anything but a whole number of `least`, 1 unless given, or more
 */
export function expectCount(where: string, name: string, value: unknown, least = 1): void {
  if (Number.isInteger(value) && (value as number) >= least) return;
  throw new KdcError({
    where,
    what: `${name} is ${typeof value === "string" ? JSON.stringify(value) : String(value)}`,
    remedy: `Give a whole number of ${least} or more`,
    reason: "option",
  });
}
