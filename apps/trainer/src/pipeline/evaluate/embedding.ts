import type { FloatTensor, HostPatches, Patches } from "@kdc-mae/core";
import { createModelRunner, type Execute } from "@kdc-mae/engine";
import { type EncoderParams, features, type ModelConfig } from "@kdc-mae/model";
import { mean, type Tensor, type Tensor2D } from "@tensorflow/tfjs-core";

/** Anything with an encoder in it: a pretrained model or a classifier. */
export type WithEncoder<Leaf> = { readonly encoder: EncoderParams<Leaf> };

/** What the clips of a batch look like to a model, nothing hidden. */
export type Embeddings = {
  /** Mean over the tokens of each stream, `[B, D]`. */
  readonly audio: FloatTensor;
  readonly visual: FloatTensor;
  readonly joint: FloatTensor;
  /** Every visual token, `[B, Nv, D]`: what localization compares the sound with. */
  readonly tokens: FloatTensor;
};

type EmbedInputs = { readonly params: WithEncoder<Tensor>; readonly patches: Patches };

/** Unmasked embeddings of a batch as a tfjs function, for compiling or running eagerly. */
export const embedFunction =
  (config: ModelConfig) =>
  ({ params, patches }: EmbedInputs) => {
    const { audio, visual, joint } = features(config, params, patches);
    return {
      audio: mean(audio, 1) as Tensor2D,
      visual: mean(visual, 1) as Tensor2D,
      joint: mean(joint, 1) as Tensor2D,
      tokens: visual,
    };
  };

/** A model made ready to embed batches. */
export type BatchEmbedder = {
  readonly embed: (patches: HostPatches) => Promise<Embeddings>;
  readonly dispose: () => Promise<void>;
};

/** Makes an {@link BatchEmbedder}; its program is made at the first batch. */
export function createBatchEmbedder(
  execute: Execute,
  config: ModelConfig,
  { encoder }: WithEncoder<FloatTensor>,
): BatchEmbedder {
  const runner = createModelRunner(execute, embedFunction(config), { encoder });
  return {
    embed: async (patches) => (await runner.run({ patches })) as Embeddings,
    dispose: runner.dispose,
  };
}
