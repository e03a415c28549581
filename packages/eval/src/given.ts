import { KdcError } from "@kdc-mae/core";

/**
 * For callers without types: a head's input must be there, and so must what it cannot do without.
 *
 * @throws KdcError (`missing`) naming what is not there
 */
export function expectGiven<Input extends object>(
  where: string,
  input: Input,
  ...needed: readonly (keyof Input & string)[]
): void {
  const missing =
    typeof input !== "object" || input === null ? needed : needed.filter((name) => (input[name] ?? null) === null);
  if (missing.length === 0) return;
  throw new KdcError({
    where,
    what: `${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} not given`,
    remedy: `Call it with one object that holds ${needed.join(", ")}`,
    reason: "missing",
  });
}
