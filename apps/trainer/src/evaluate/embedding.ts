import type { FloatTensor, HostPatches, Patches } from "@kdc-mae/core";
import type { Execute, Hosted } from "@kdc-mae/engine";
import { type EncoderParams, features, type ModelConfig } from "@kdc-mae/model";
import { div, matMul, mean, reshape, sqrt, square, sum, type Tensor, type Tensor2D } from "@tensorflow/tfjs-core";

/** Anything with an encoder in it: a pretrained model or a classifier. */
export type WithEncoder<Leaf> = { readonly encoder: EncoderParams<Leaf> };

/** What one clip looks like to a model. */
export type Embeddings = {
  /** Mean over the tokens of each stream, `[B, D]`. */
  readonly audio: FloatTensor;
  readonly visual: FloatTensor;
  readonly joint: FloatTensor;
  /** Cosine of the mean audio embedding with each visual token, `[B, Nv]`: where the sound is seen. */
  readonly heat: FloatTensor;
};

type EmbedInputs = { readonly params: WithEncoder<Tensor>; readonly patches: Patches };

const unit = (x: Tensor): Tensor => div(x, sqrt(sum(square(x), -1, true)));

/** Unmasked embeddings of a batch as a tfjs function, for compiling or running eagerly. */
export const embedFunction =
  (config: ModelConfig) =>
  ({ params, patches }: EmbedInputs) => {
    const { audio, visual, joint } = features(config, params, patches);
    const sound = mean(audio, 1) as Tensor2D;
    const [B, N] = visual.shape;
    const heat = reshape(matMul(unit(visual), reshape(unit(sound), [B, -1, 1])), [B, N]) as Tensor2D;
    return { audio: sound, visual: mean(visual, 1) as Tensor2D, joint: mean(joint, 1) as Tensor2D, heat };
  };

/** Embeds any number of samples through a program made for batches of `batch`; the last batch is filled up and cut. */
export async function createEmbedder(
  execute: Execute,
  config: ModelConfig,
  params: WithEncoder<FloatTensor>,
  example: HostPatches,
): Promise<{ embed(patches: HostPatches): Promise<Embeddings>; dispose(): Promise<void> }> {
  const fn = embedFunction(config);
  const program = await execute(fn, { params, patches: example } as Hosted<EmbedInputs>);
  return {
    embed: async (patches) => (await program.run({ params, patches } as Hosted<EmbedInputs>)) as unknown as Embeddings,
    dispose: () => program.dispose(),
  };
}
