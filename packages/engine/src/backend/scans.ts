import * as tf from "@tensorflow/tfjs-core";

type Scan = { readonly axis: number; readonly exclusive: boolean; readonly reverse: boolean };

/** The gradient of a running sum is one the other way round. tfjs turns the axes of its own once more than they were turned. */
export function mendScanGradient(): void {
  tf.unregisterGradient("Cumsum");
  tf.registerGradient({
    kernelName: "Cumsum",
    gradFunc: (dy, _saved, attrs) => {
      const { axis, exclusive, reverse } = attrs as unknown as Scan;
      return { x: () => tf.cumsum(dy as tf.Tensor, axis, exclusive, !reverse) };
    },
  });
}

/**
 * Running sums and products along an axis counted from the end: tfjs's own kernels take −1 for a place among the axes, give
 * results without values (cpu), and write over memory that is not theirs (wasm).
 */
export function mendScans(backend: string): void {
  for (const kernelName of ["Cumsum", "Cumprod"]) {
    const known = tf.getKernel(kernelName, backend);
    if (known === undefined) continue;
    tf.unregisterKernel(kernelName, backend);
    const kernelFunc: tf.KernelFunc = (given) => {
      const { axis, ...attrs } = given.attrs as unknown as Scan;
      const { shape } = given.inputs.x as tf.TensorInfo;
      return known.kernelFunc({ ...given, attrs: { ...attrs, axis: axis < 0 ? axis + shape.length : axis } });
    };
    tf.registerKernel({ ...known, kernelFunc });
  }
}
