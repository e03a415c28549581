import { KdcError } from "@kdc-mae/core";

/** @throws KdcError (`experiment` unless given), always */
export function refuse(where: string, what: string, remedy: string, reason = "experiment"): never {
  throw new KdcError({ where, what, remedy, reason });
}
