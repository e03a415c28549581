import { KdcError } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";

type Given = Parameters<tf.KernelFunc>[0];
type Values = Int32Array | Uint8Array | Float32Array;

const attribute = (given: Given, name: string): unknown => (given.attrs as Record<string, unknown> | undefined)?.[name];
const input = (given: Given, name: string): tf.TensorInfo => given.inputs[name] as tf.TensorInfo;
const valuesOf = (given: Given, name: string) => tf.engine().readSync(input(given, name).dataId) as Values;

/** A case in which a kernel of tfjs-backend-wasm 4.22 gives wrong values without a word, and what is done in its place. */
type Wrong = {
  readonly kernel: string;
  readonly is: (given: Given) => boolean;
  /** The right values; without it the case is refused. */
  readonly right?: (given: Given) => tf.TensorInfo;
};

const cases: readonly Wrong[] = [
  {
    // It writes whole numbers whatever type is asked for: read as float32, its ones are 1.4e-45.
    kernel: tf.OneHot,
    is: (given) => attribute(given, "dtype") === "float32",
    right: (given) => {
      const { depth, onValue, offValue } = given.attrs as unknown as tf.OneHotAttrs;
      const rows = valuesOf(given, "indices");
      const values = new Float32Array(rows.length * depth).fill(offValue);
      for (const [row, at] of rows.entries()) if (at >= 0 && at < depth) values[row * depth + at] = onValue;
      return tf.engine().makeTensor(values, [...input(given, "indices").shape, depth], "float32");
    },
  },
  {
    // It keeps the last byte of the whole number: 0.4 becomes 0, and −2.5 becomes 254.
    kernel: tf.Cast,
    is: (given) => attribute(given, "dtype") === "bool" && input(given, "x").dtype !== "bool",
    right: (given) =>
      tf.engine().makeTensor(
        Uint8Array.from(valuesOf(given, "x"), (value) => (value === 0 ? 0 : 1)),
        [...input(given, "x").shape],
        "bool",
      ),
  },
  // Between bools it takes four bytes for each.
  { kernel: tf.Select, is: (given) => input(given, "t").dtype === "bool" },
  // A window of negative numbers has no greatest one: its gradient is lost.
  { kernel: tf.MaxPoolGrad, is: () => true },
  { kernel: tf.GatherV2, is: (given) => attribute(given, "batchDims") !== 0 },
  { kernel: tf.DenseBincount, is: (given) => attribute(given, "binaryOutput") === true },
];

const refusal = (kernel: string): KdcError =>
  new KdcError({
    where: `tfjs's wasm backend, kernel ${kernel}`,
    what: "it computes this case wrongly and does not say so",
    remedy: "Use the compiled engine, or backend tensorflow or cpu",
    reason: "backend",
  });

/**
 * Puts kernels that give the right values, or refuse, in the place of those of tfjs's wasm backend that give wrong ones. Nothing
 * is replaced where the backend is not loaded.
 */
export function mendWasmKernels(): void {
  if (mended) return;
  for (const { kernel, is, right } of cases) {
    const known = tf.getKernel(kernel, "wasm");
    if (known === undefined) return;
    tf.unregisterKernel(kernel, "wasm");
    tf.registerKernel({
      ...known,
      kernelFunc: (given) => {
        if (!is(given)) return known.kernelFunc(given);
        if (right === undefined) throw refusal(kernel);
        return right(given);
      },
    });
  }
  mended = true;
}
let mended = false;
