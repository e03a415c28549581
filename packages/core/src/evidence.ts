// biome-ignore lint/suspicious/noTsIgnore: an optional peer: its types are any where it is missing
/** @ts-ignore */
import type { Scalar, Tensor2D, Tensor3D } from "@tensorflow/tfjs-core";
import type { Patches } from "./patches.js";
import type { View } from "./view.js";

/** The streams of tokens of one view. joint `[B, Ka+Kv, D]` (audio first), audio `[B, Ka, D]`, visual `[B, Kv, D]`. */
export type Encoded = {
  readonly joint: Tensor3D;
  readonly audio: Tensor3D;
  readonly visual: Tensor3D;
  /** The global token of each modality, `[B, 1, D]`, where the model has one. */
  readonly globalAudio?: Tensor3D;
  readonly globalVisual?: Tensor3D;
};

/** Predicted patch values at every position, seen or hidden. audio `[B, Na, Pa]`, visual `[B, Nv, Pv]`. */
export type Reconstruction = { readonly audio: Tensor3D; readonly visual: Tensor3D };

/** What the model made of one view. */
export type ViewEvidence = {
  readonly view: View;
  readonly encoded: Encoded;
  readonly reconstruction: Reconstruction;
  /** What a predictor takes a teacher's tokens to be at every patch, audio `[B, Na, D]`, visual `[B, Nv, D]`. */
  readonly prediction?: Reconstruction;
};

/** A view that is encoded and not rebuilt. */
export type EncodedView = Pick<ViewEvidence, "view" | "encoded">;

/** Everything a loss term may look at. */
export type Evidence = {
  readonly patches: Patches;
  readonly views: readonly ViewEvidence[];
  /** The same views encoded by a moving-average teacher, where the experiment has one. */
  readonly teacher?: readonly Encoded[];
  /** What that teacher makes of the whole clips, nothing hidden: joint `[B, Na+Nv, D]`, audio `[B, Na, D]` … */
  readonly whole?: Encoded;
  /** Views that only the contrast looks at, where it has such. */
  readonly contrast?: readonly EncodedView[];
  /** Log-probability of every patch to be seen, `[B, N]`, where a sampling network draws the views. */
  readonly sampling?: Sampling;
};

/** Log-probabilities over the patches of each modality: audio `[B, Na]`, visual `[B, Nv]`. */
export type Sampling = { readonly audio: Tensor2D; readonly visual: Tensor2D };

/** What an objective says: the weighted total and every term before its weight, each a scalar mean over the batch. */
export type LossReport = { readonly total: Scalar; readonly terms: Readonly<Record<string, Scalar>> };
