import { isKdcError, KdcError } from "@kdc-mae/core";

/**
 * Loads from tensors, and says which file they came from where they do not fit.
 *
 * @throws KdcError that names the file
 */
export function inCheckpoint<T>(path: string, load: () => T): T {
  try {
    return load();
  } catch (cause) {
    if (!isKdcError(cause) || cause.reason !== "bad-checkpoint") throw cause;
    const { what, remedy, reason } = cause;
    throw new KdcError({ where: `checkpoint ${path}`, what, remedy, reason, cause });
  }
}
