import * as tf from "@tensorflow/tfjs-core";
import { fitting, type Window } from "../compile/window.js";
import { mendPictureGradients } from "./picture-gradients.js";
import { attribute, type Given, goesBack, input, ofNothing, refuseWrong } from "./refused.js";
import { mendScans } from "./scans.js";
import { windowOf } from "./windows.js";

const ofWhole = (given: Given): boolean => input(given, "x").dtype !== "float32";
const always = (): boolean => true;

/** With padding "same" and a stride beyond the window, XNNPACK takes the padding for a huge number, and writes nothing. */
const strideBeyond = (window: Window): boolean =>
  window.padInfo.type === "SAME" &&
  (window.strideHeight > window.effectiveFilterHeight || window.strideWidth > window.effectiveFilterWidth);

/** Kernels with windows. Where padding counts them wrongly, they would read what is no picture. */
const windowed = (kernel: string): ((given: Given) => boolean) => {
  const isDepthwise = kernel.includes("Depthwise");
  return (given) => strideBeyond(fitting(windowOf(given, isDepthwise), `tfjs's wasm backend, kernel ${kernel}`));
};

/** Cases in which kernels of tfjs-backend-wasm 4.22 give wrong values without a word, and tfjs's cpu backend right ones. */
const wrong: Readonly<Record<string, (given: Given) => boolean>> = {
  // It writes whole numbers whatever type is asked for: read as float32, its ones are 1.4e-45.
  OneHot: (given) => attribute(given, "dtype") !== "int32",
  // It keeps the last byte of the whole number: 0.4 becomes 0, and −2.5 becomes 254.
  Cast: (given) => attribute(given, "dtype") === "bool" && input(given, "x").dtype !== "bool",
  // Between bools it takes four bytes for each, and it reads both as the type of the first.
  Select: (given) => input(given, "t").dtype === "bool" || input(given, "t").dtype !== input(given, "e").dtype,
  // A window of negative numbers has no greatest one: its gradient is lost.
  MaxPoolGrad: always,
  GatherV2: (given) =>
    attribute(given, "batchDims") !== 0 || ofNothing(given) || input(given, "indices").shape.includes(0),
  DenseBincount: (given) => attribute(given, "binaryOutput") === true,
  // They read whole numbers as floats, or memory that is not theirs.
  ...{ ClipByValue: ofWhole, Reciprocal: ofWhole, IsNan: ofWhole, IsInf: ofWhole, IsFinite: ofWhole },
  ...{ Sum: ofNothing, Max: ofNothing, Min: ofNothing, Prod: ofNothing, Any: ofNothing },
  // Of nothing they divide by none of its elements.
  ...{ Cumsum: ofNothing, Cumprod: ofNothing, Prelu: ofNothing },
  BatchMatMul: ({ inputs: { a, b } }) => [a, b].some((one) => (one as tf.TensorInfo).shape.includes(0)),
  // They go by float32, which does not hold whole numbers above 2²⁴; quotients of floats stay floats.
  ...{ Neg: ofWhole, FloorDiv: always },
  // Nothing below 1e-7 is positive or negative to the one, and the other adds one before it takes the logarithm.
  ...{ Sign: always, Log1p: always },
  // What it gives is float32 whatever it takes.
  StridedSlice: (given) => ofWhole(given) || goesBack(given),
  // Infinity comes out as NaN.
  PadV2: (given) => !Number.isFinite(attribute(given, "constantValue")),
  ...Object.fromEntries(
    ["Conv2D", "FusedConv2D", "DepthwiseConv2dNative", "FusedDepthwiseConv2D", "MaxPool", "AvgPool"].map((kernel) => [
      kernel,
      windowed(kernel),
    ]),
  ),
};

/** The kernel as tfjs's cpu backend has it; tensors move to that backend, and back where they are needed next. */
function onCpu(kernel: string, given: Given): tf.TensorInfo | tf.TensorInfo[] {
  const engine = tf.engine();
  const cpu = engine.findBackend("cpu");
  // Its first tensor would be greeted on the console.
  const production = tf.env().getBool("PROD");
  tf.env().set("PROD", true);
  try {
    const made = tf.getKernel(kernel, "cpu").kernelFunc({ ...given, backend: cpu });
    const placed = [made].flat().map((info) => engine.makeTensorFromTensorInfo(info, cpu));
    return Array.isArray(made) ? placed : placed[0];
  } finally {
    tf.env().set("PROD", production);
  }
}

/**
 * Has kernels of tfjs's wasm backend give the right values, or refuse, where they give wrong ones. Nothing is done where the
 * backend is not loaded.
 */
export function mendWasmKernels(): void {
  mendScans("wasm");
  mendPictureGradients("wasm");
  for (const [kernel, isWrong] of Object.entries(wrong)) {
    const known = tf.getKernel(kernel, "wasm");
    if (known === undefined) continue;
    tf.unregisterKernel(kernel, "wasm");
    const kernelFunc: tf.KernelFunc = (given) => (isWrong(given) ? onCpu(kernel, given) : known.kernelFunc(given));
    tf.registerKernel({ ...known, kernelFunc });
  }
  refuseWrong("wasm");
}
