import { backend_util, type KernelFunc, type TensorInfo } from "@tensorflow/tfjs-core";
import type { Shape4, Window } from "../compile/window.js";

type WindowAttributes = {
  readonly strides: [number, number];
  readonly pad: "same";
  readonly dimRoundingMode?: "floor";
  readonly filterSize?: [number, number];
  readonly dilations?: [number, number];
  readonly dataFormat?: "NHWC";
};

/** The window of a call of a kernel that has one, a convolution or a pool, as tfjs works it out. */
export function windowOf({ inputs, attrs }: Parameters<KernelFunc>[0], isDepthwise: boolean): Window {
  const { x, filter } = inputs as Readonly<Record<string, TensorInfo>>;
  const { strides, pad, dimRoundingMode, filterSize, dilations, dataFormat } = attrs as unknown as WindowAttributes;
  const shape = x.shape as Shape4;
  if (filterSize !== undefined) {
    return backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  }
  return backend_util.computeConv2DInfo(
    ...([shape, filter.shape as Shape4, strides, dilations ?? 1, pad, dimRoundingMode, isDepthwise] as const),
    backend_util.convertConv2DDataFormat(dataFormat ?? "NHWC"),
  );
}
