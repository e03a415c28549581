import { KdcError } from "@kdc-mae/core";

/** @throws KdcError (`experiment`), always */
export function refuse(where: string, what: string, remedy: string): never {
  throw new KdcError({ where, what, remedy, reason: "experiment" });
}
