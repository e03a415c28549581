// biome-ignore lint/suspicious/noTsIgnore: an optional peer: its types are any where it is missing
/** @ts-ignore */
import type { Tensor2D } from "@tensorflow/tfjs-core";
import type { IntTensor } from "./host-tensor.js";

/** Which patches of one modality of one clip a view sees, and which it does not. Together they are 0 … N−1, once each. */
export type Positions = { readonly visible: Int32Array; readonly hidden: Int32Array };

/** One view of one clip. */
export type ClipView = { readonly audio: Positions; readonly visual: Positions };

/** One view of a batch in ordinary memory: `visible [B, K]`, `hidden [B, N−K]`, int32. */
export type HostView = {
  readonly audio: { readonly visible: IntTensor; readonly hidden: IntTensor };
  readonly visual: { readonly visible: IntTensor; readonly hidden: IntTensor };
};

/** One view of a batch as the model takes it: positions travel with tokens. `visible [B, K]`, `hidden [B, N−K]`, int32. */
export type View = {
  readonly audio: { readonly visible: Tensor2D; readonly hidden: Tensor2D };
  readonly visual: { readonly visible: Tensor2D; readonly hidden: Tensor2D };
};
