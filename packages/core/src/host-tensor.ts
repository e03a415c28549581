import { KdcError } from "./error.js";
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
 * What keeps a leaf's numbers from being those of a host tensor, in words to follow its name: a tensor of tfjs, a plain list, an array of
 * another type or length. Undefined where they fit.
 *
 * @example
 * ```ts
 * import { hostTensorFault } from "@kdc-mae/core";
 *
 * hostTensorFault({ dtype: "float32", shape: [3], data: Float32Array.of(1, 2) }); // "holds 2 numbers, not 3"
 * ```
 */
export function hostTensorFault({ dtype, shape, data }: HostTensor): string | undefined {
  if (typeof data === "function") return "is a tensor of tfjs, not one in ordinary memory";
  const wanted = dtype === "int32" ? "Int32Array" : "Float32Array";
  const kind = Object.prototype.toString.call(data).slice(8, -1);
  if (kind !== wanted) return `holds its numbers in ${kind}, not ${wanted}`;
  const size = sizeOf(shape);
  return data.length === size ? undefined : `holds ${data.length} numbers, not ${size}`;
}

function sound<Made extends HostTensor>(tensor: Made): Made {
  const { dtype, shape } = tensor;
  const isShape = shape.every((size) => Number.isInteger(size) && size >= 0);
  const fault = isShape ? hostTensorFault(tensor) : "has a size that is no whole number";
  if (fault === undefined) return tensor;
  throw new KdcError({
    where: dtype,
    what: `the tensor of shape [${shape.join(", ")}] ${fault}`,
    remedy: "Give a shape, and a typed array of as many numbers",
    reason: "shape",
  });
}

/**
 * A float32 host tensor; zeros unless data is given.
 *
 * @throws KdcError (`shape`) where the data are no Float32Array of as many numbers as the shape says
 *
 * @example
 * ```ts
 * import { float32 } from "@kdc-mae/core";
 *
 * const row = float32([1, 3], Float32Array.of(1, 2, 3));
 * ```
 */
export function float32(shape: readonly number[], data?: Float32Array): FloatTensor {
  return sound({ dtype: "float32", shape, data: data ?? new Float32Array(Math.max(0, sizeOf(shape))) });
}

/**
 * An int32 host tensor; zeros unless data is given.
 *
 * @throws KdcError (`shape`) where the data are no Int32Array of as many numbers as the shape says
 *
 * @example
 * ```ts
 * import { int32 } from "@kdc-mae/core";
 *
 * const positions = int32([1, 2], Int32Array.of(0, 5));
 * ```
 */
export function int32(shape: readonly number[], data?: Int32Array): IntTensor {
  return sound({ dtype: "int32", shape, data: data ?? new Int32Array(Math.max(0, sizeOf(shape))) });
}
