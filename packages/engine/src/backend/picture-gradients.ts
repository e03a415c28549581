import * as tf from "@tensorflow/tfjs-core";
import { bilinearMatrix, nearestMatrix, type PixelPlaces, type ResamplingMatrix } from "../compile/resampling.js";
import { covered, fitting, type Shape4 } from "../compile/window.js";

type Given = Parameters<tf.KernelFunc>[0];
type Gradient = (given: Given, known: tf.KernelFunc) => tf.TensorInfo | tf.TensorInfo[];

/** A tensor of tfjs's of what a kernel was given: it is not to be disposed of here. */
const asTensor = (given: Given, name: string): tf.Tensor4D => given.inputs[name] as tf.Tensor4D;

/** Each pixel gets what the pixels that were made of it weigh, by the matrices of both axes. */
const resized =
  (matrix: ResamplingMatrix): Gradient =>
  (given) =>
    tf.tidy(() => {
      const [dy, { shape }] = [asTensor(given, "dy"), asTensor(given, "images")];
      const [batch, height, width, channels] = shape;
      const [, rows, columns] = dy.shape;
      const turned = (from: number, to: number) =>
        tf.transpose(tf.tensor2d(matrix(from, to, given.attrs as unknown as PixelPlaces), [to, from]));
      const tall = tf.matMul(turned(height, rows), tf.reshape(dy, [batch, rows, columns * channels]));
      const wide = tf.matMul(turned(width, columns), tf.reshape(tall, [batch * height, columns, channels]));
      return tf.reshape(wide, shape);
    });

/** tfjs gives every cell its share of the whole window, though the mean was over the cells that are in the picture. */
const averaged: Gradient = (given, known) =>
  tf.tidy(() => {
    const { filterSize, strides, pad } = given.attrs as unknown as tf.AvgPoolGradAttrs;
    const { shape } = asTensor(given, "input");
    const info = tf.backend_util.computePool2DInfo(shape as Shape4, filterSize, strides, 1, pad);
    const window = fitting(info, "the gradient of avgPool");
    const all = window.filterHeight * window.filterWidth;
    const shares = covered(window).map((cells) => all / cells);
    const dy = tf.mul(asTensor(given, "dy"), tf.tensor4d(shares, [1, window.outHeight, window.outWidth, 1]));
    return tf.engine().makeTensorFromTensorInfo(known({ ...given, inputs: { ...given.inputs, dy } }) as tf.TensorInfo);
  });

const gradients: Readonly<Record<string, Gradient>> = {
  AvgPoolGrad: averaged,
  ResizeBilinearGrad: resized(bilinearMatrix),
  // Where corners are aligned, tfjs's own may not end at all.
  ResizeNearestNeighborGrad: resized(nearestMatrix),
};

/** On a kernel that was mended: another copy of this package, on the same tfjs, would give shares of shares. */
const mended = Symbol.for("kdc-mae.mended");

/** Gradients of average pools and resized pictures, which a backend's kernels give for other settings than they were asked for. */
export function mendPictureGradients(backendName: string): void {
  for (const [kernelName, gradient] of Object.entries(gradients)) {
    const known = tf.getKernel(kernelName, backendName);
    if (known === undefined || mended in known.kernelFunc) continue;
    tf.unregisterKernel(kernelName, backendName);
    const kernelFunc: tf.KernelFunc = (given) => gradient(given, known.kernelFunc);
    tf.registerKernel({ ...known, kernelFunc: Object.assign(kernelFunc, { [mended]: true }) });
  }
}
