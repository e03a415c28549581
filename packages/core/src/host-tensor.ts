import { sizeOf } from "./shape.js";

/** A tensor in ordinary memory, row-major: what programs take and give, and what checkpoints hold. */
export type HostTensor =
  | { readonly dtype: "float32"; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: "int32"; readonly shape: readonly number[]; readonly data: Int32Array };

/** A float32 tensor in ordinary memory. */
export type FloatTensor = Extract<HostTensor, { dtype: "float32" }>;
/** An int32 tensor in ordinary memory. */
export type IntTensor = Extract<HostTensor, { dtype: "int32" }>;

/**
 * A float32 host tensor; zeros unless data is given.
 *
 * @example
 * ```ts
 * import { float32 } from "@kdc-mae/core";
 *
 * const row = float32([1, 3], Float32Array.of(1, 2, 3));
 * ```
 */
export function float32(shape: readonly number[], data: Float32Array = new Float32Array(sizeOf(shape))): FloatTensor {
  return { dtype: "float32", shape, data };
}

/**
 * An int32 host tensor; zeros unless data is given.
 *
 * @example
 * ```ts
 * import { int32 } from "@kdc-mae/core";
 *
 * const positions = int32([1, 2], Int32Array.of(0, 5));
 * ```
 */
export function int32(shape: readonly number[], data: Int32Array = new Int32Array(sizeOf(shape))): IntTensor {
  return { dtype: "int32", shape, data };
}
