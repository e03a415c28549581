const marker = Symbol.for("@kdc-mae/error");

/**
 * The one error class of the project: where it happened, what is wrong, and what to do about it.
 * Recognise it with {@link isKdcError}, which also works across two copies of this package.
 *
 * @example
 * ```ts
 * import { KdcError } from "@kdc-mae/core";
 *
 * const error = new KdcError({ where: "clip 7", what: "it has no sound", remedy: "Leave it out", reason: "no-audio" });
 * console.log(error.message); // clip 7: it has no sound. Leave it out
 * ```
 */
export class KdcError extends Error {
  readonly where: string;
  readonly what: string;
  readonly remedy: string;
  /** A short machine-readable reason, such as `no-audio`, for counting and tables. */
  readonly reason: string;
  /** Of an error of a disk: whether it came of reading or of writing. */
  readonly doing?: "read" | "write" | undefined;

  constructor(parts: {
    where: string;
    what: string;
    remedy: string;
    reason?: string;
    doing?: "read" | "write" | undefined;
    cause?: unknown;
  }) {
    super(`${parts.where}: ${parts.what}. ${parts.remedy}`, { cause: parts.cause });
    this.name = "KdcError";
    this.where = parts.where;
    this.what = parts.what;
    this.remedy = parts.remedy;
    this.reason = parts.reason ?? "error";
    this.doing = parts.doing;
    Object.defineProperty(this, marker, { value: true });
  }
}

/** A {@link KdcError} as plain data, which crosses to another thread or process: `new KdcError(parts)` says the same. */
export type ErrorParts = { readonly [Part in "where" | "what" | "remedy" | "reason"]: string } & Pick<
  KdcError,
  "doing"
>;

/** The parts of an error, without its cause. */
export const errorParts = ({ where, what, remedy, reason, doing }: KdcError): ErrorParts => ({
  where,
  what,
  remedy,
  reason,
  doing,
});

/**
 * True for a {@link KdcError}, whichever copy of the package made it.
 *
 * @example
 * ```ts
 * import { expectShape, isKdcError } from "@kdc-mae/core";
 *
 * try {
 *   expectShape("embed", "patches", { shape: [4, 196, 768] }, "B 512 256");
 * } catch (error) {
 *   if (!isKdcError(error)) throw error;
 *   console.log(error.reason, error.remedy); // the reason is "shape"
 * }
 * ```
 */
export function isKdcError(error: unknown): error is KdcError {
  return typeof error === "object" && error !== null && marker in error;
}
