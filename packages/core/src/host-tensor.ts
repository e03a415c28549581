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

const kindOf = (data: unknown): string => Object.prototype.toString.call(data).slice("[object ".length, -1);

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
  if (kindOf(data) !== wanted) return `holds its numbers in ${article(kindOf(data))}, not ${article(wanted)}`;
  const size = sizeOf(shape);
  return data.length === size ? undefined : `holds ${data.length} numbers, not ${size}`;
}

const article = (kind: string): string => `${/^[AEIU]/.test(kind) ? "an" : "a"} ${kind}`;

function refuse(dtype: HostTensor["dtype"], shape: readonly number[], fault: string): never {
  const wanted = dtype === "int32" ? "Int32Array" : "Float32Array";
  throw new KdcError({
    where: dtype,
    what: `the tensor of shape [${shape.join(", ")}] ${fault}`,
    remedy: `Give the shape, and ${article(wanted)} of as many numbers; ${wanted}.from(list) makes one of a list`,
    reason: "shape",
  });
}

function expectSizes(dtype: HostTensor["dtype"], shape: readonly number[]): void {
  if (shape.every((size) => Number.isInteger(size) && size >= 0)) return;
  refuse(dtype, shape, "has a size that is no whole number of 0 or more");
}

function sound<Made extends HostTensor>(tensor: Made): Made {
  const fault = hostTensorFault(tensor);
  return fault === undefined ? tensor : refuse(tensor.dtype, tensor.shape, fault);
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
  expectSizes("float32", shape);
  return sound({ dtype: "float32", shape, data: data ?? new Float32Array(sizeOf(shape)) });
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
  expectSizes("int32", shape);
  return sound({ dtype: "int32", shape, data: data ?? new Int32Array(sizeOf(shape)) });
}
