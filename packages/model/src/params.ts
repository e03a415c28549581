import type { Modality, Stream } from "@kdc-mae/core";
import type { Block, BlockNorms } from "./nn/block.js";
import type { Norm } from "./nn/layer-norm.js";
import type { Linear } from "./nn/linear.js";

/** One modality before the joint blocks. patch `[D, P]`, modality `[1, 1, D]`, positions `[1, N, D]` where learned. */
export type Branch<Leaf> = {
  readonly patch: Linear<Leaf>;
  readonly modality: Leaf;
  readonly positions?: Leaf;
  /** The global token, `[1, 1, D]`, where the model has one. */
  readonly global?: Leaf;
  readonly blocks: readonly Block<Leaf>[];
  /** Blocks after this modality's pass of the joint blocks, where the model has such. */
  readonly heads?: readonly Block<Leaf>[];
};

/** A block whose attention and MLP serve three streams, each with norms of its own. */
export type JointBlock<Leaf> = Pick<Block<Leaf>, "attention" | "mlp"> & {
  readonly norms: Readonly<Record<Stream, BlockNorms<Leaf>>>;
};

/** Both branches before the joint blocks, the joint blocks, and the norms after them, by stream. */
export type EncoderParams<Leaf> = {
  readonly audio: Branch<Leaf>;
  readonly visual: Branch<Leaf>;
  /** Register tokens `[2R, D]`, those of the audio branch first, where the model has such. */
  readonly registers?: Leaf;
  readonly joint: {
    readonly blocks: readonly JointBlock<Leaf>[];
    readonly norms: Readonly<Record<Stream, Norm<Leaf>>>;
  };
};

/** One modality of the decoder. modality `[1, 1, D]`, positions `[1, N, D]` where learned, head `[P, D]`. */
export type DecoderBranch<Leaf> = {
  readonly modality: Leaf;
  readonly positions?: Leaf;
  readonly head: Linear<Leaf>;
};

/** embed `[decoder D, encoder D]`, mask `[1, 1, D]`: what stands where nothing was seen. */
export type DecoderParams<Leaf> = {
  readonly embed: Linear<Leaf>;
  readonly mask: Leaf;
  readonly audio: DecoderBranch<Leaf>;
  readonly visual: DecoderBranch<Leaf>;
  readonly blocks: readonly Block<Leaf>[];
  readonly norm: Norm<Leaf>;
};

/** What gives every patch of a modality its probability to be seen. positions `[1, N, D]`, score `[1, D]`. */
export type SamplerParams<Leaf> = Readonly<
  Record<Modality, { readonly positions: Leaf; readonly block: Block<Leaf>; readonly score: Linear<Leaf> }>
>;

/** Everything pretraining learns. Fixed positions are not parameters. */
export type ModelParams<Leaf> = {
  readonly encoder: EncoderParams<Leaf>;
  readonly decoder: DecoderParams<Leaf>;
  /** Where the views are drawn by a network. */
  readonly sampler?: SamplerParams<Leaf>;
  /** Where a teacher's tokens are predicted: like a decoder, with heads `[D, predictor D]`. */
  readonly predictor?: DecoderParams<Leaf>;
};

/** A fine-tuned classifier: an encoder and a head, linear `[classes, D]`. */
export type ClassifierParams<Leaf> = {
  readonly encoder: EncoderParams<Leaf>;
  readonly head: { readonly norm: Norm<Leaf>; readonly linear: Linear<Leaf> };
};
