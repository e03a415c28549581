import * as tf from "@tensorflow/tfjs-core";

/**
 * Puts kernels that give the right values in the place of those of tfjs's wasm backend that do not.
 *
 * `OneHot` of 4.22 writes whole numbers whatever type is asked for: read as float32, its ones are 1.4e-45, and a mean over the
 * hidden patches, which picks them by a one-hot matrix, is nothing. Nothing is replaced where the backend is not loaded.
 */
export function mendWasmKernels(): void {
  const known = tf.getKernel(tf.OneHot, "wasm");
  if (known === undefined) return;
  const oneHot: tf.KernelFunc = (given) => {
    const indices = given.inputs.indices as tf.TensorInfo;
    const attributes = given.attrs as unknown as tf.OneHotAttrs;
    if (attributes.dtype !== "float32") return known.kernelFunc(given);
    const { depth, onValue, offValue } = attributes;
    const rows = tf.engine().readSync(indices.dataId) as Int32Array;
    const values = new Float32Array(rows.length * depth).fill(offValue);
    for (const [row, at] of rows.entries()) if (at >= 0 && at < depth) values[row * depth + at] = onValue;
    return tf.engine().makeTensor(values, [...indices.shape, depth], "float32");
  };
  tf.unregisterKernel(tf.OneHot, "wasm");
  tf.registerKernel({ ...known, kernelFunc: oneHot });
}
