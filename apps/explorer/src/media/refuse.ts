import { KdcError } from "@kdc-mae/core";

/** What is wrong with a film. */
export const refuse = (name: string, what: string, remedy: string, cause?: unknown): KdcError =>
  new KdcError({ where: name, what, remedy, reason: "media", cause });
