import { KdcError } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";

type Given = Parameters<tf.KernelFunc>[0];

const attribute = (given: Given, name: string): unknown => (given.attrs as Record<string, unknown>)[name];

const input = (given: Given, name: string) => given.inputs[name] as tf.TensorInfo;
const ofWhole = (given: Given): boolean => input(given, "x").dtype !== "float32";
const ofNothing = (given: Given): boolean => input(given, "x").shape.includes(0);

/** Batch axes of a product as tfjs goes through them: those of the smaller one again and again, whichever axis is one. */
const batchesMisread = (given: Given): boolean => {
  const [a, b] = ["a", "b"].map((name) => {
    const sizes = input(given, name).shape.slice(0, -2);
    const first = sizes.findIndex((size) => size !== 1);
    return first < 0
      ? ""
      : sizes
          .slice(first)
          .map((size) => `,${size}`)
          .join("");
  });
  return a !== "" && b !== "" && !a.endsWith(b) && !b.endsWith(a);
};

/** Cases in which kernels of tfjs-backend-wasm 4.22 give wrong values without a word. */
const wrong: Readonly<Record<string, (given: Given) => boolean>> = {
  // It writes whole numbers whatever type is asked for: read as float32, its ones are 1.4e-45.
  OneHot: (given) => attribute(given, "dtype") !== "int32",
  // It keeps the last byte of the whole number: 0.4 becomes 0, and −2.5 becomes 254.
  Cast: (given) => attribute(given, "dtype") === "bool" && (given.inputs.x as tf.TensorInfo).dtype !== "bool",
  // Between bools it takes four bytes for each.
  Select: (given) => (given.inputs.t as tf.TensorInfo).dtype === "bool",
  // A window of negative numbers has no greatest one: its gradient is lost.
  MaxPoolGrad: () => true,
  GatherV2: (given) => attribute(given, "batchDims") !== 0,
  DenseBincount: (given) => attribute(given, "binaryOutput") === true,
  // They read whole numbers as floats, or memory that is not theirs.
  ...{ ClipByValue: ofWhole, Log1p: ofWhole, Reciprocal: ofWhole, IsNan: ofWhole, IsInf: ofWhole, IsFinite: ofWhole },
  ...{ Sum: ofNothing, Mean: ofNothing, Max: ofNothing, Min: ofNothing, Prod: ofNothing },
  StridedSlice: (given) => (attribute(given, "strides") as readonly number[]).some((stride) => stride < 0),
  BatchMatMul: batchesMisread,
};

/** What `OneHot` should give there: patches are picked by it. */
function rightOneHot(given: Given): tf.TensorInfo {
  const { depth, onValue, offValue, dtype } = given.attrs as unknown as tf.OneHotAttrs;
  const { dataId, shape } = given.inputs.indices as tf.TensorInfo;
  const rows = tf.engine().readSync(dataId) as Int32Array;
  const values = new (dtype === "bool" ? Uint8Array : Float32Array)(rows.length * depth).fill(offValue);
  for (const [row, at] of rows.entries()) if (at >= 0 && at < depth) values[row * depth + at] = onValue;
  return tf.engine().makeTensor(values, [...shape, depth], dtype);
}

/**
 * Has kernels of tfjs's wasm backend give the right values, or refuse, where they give wrong ones. Nothing is done where the
 * backend is not loaded.
 */
export function mendWasmKernels(): void {
  for (const [kernel, isWrong] of Object.entries(wrong)) {
    const known = tf.getKernel(kernel, "wasm");
    if (known === undefined) continue;
    tf.unregisterKernel(kernel, "wasm");
    const kernelFunc: tf.KernelFunc = (given) => {
      if (!isWrong(given)) return known.kernelFunc(given);
      if (kernel === "OneHot") return rightOneHot(given);
      throw new KdcError({
        where: `tfjs's wasm backend, kernel ${kernel}`,
        what: "it computes this case wrongly and does not say so",
        remedy: "Use the compiled engine, or backend tensorflow or cpu",
        reason: "backend",
      });
    };
    tf.registerKernel({ ...known, kernelFunc });
  }
}
