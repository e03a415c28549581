import type { FloatTensor, HostPatches, LossReport, Patches } from "@kdc-mae/core";
import { binaryCrossEntropy, crossEntropy } from "@kdc-mae/losses";
import { type ClassifierMode, type ClassifierParams, classify, type ModelConfig } from "@kdc-mae/model";
import type { Tensor, Tensor2D } from "@tensorflow/tfjs-core";

/** What learns: encoder and head, or the head alone. */
export type Tuned<Leaf> = Pick<ClassifierParams<Leaf>, "head"> & Partial<Pick<ClassifierParams<Leaf>, "encoder">>;

/** One step's clips, of the modalities the mode needs, with soft targets `[B, C]`; a frozen encoder comes along. */
export type FineTuneBatch = {
  readonly patches: Partial<Patches>;
  readonly targets: Tensor2D;
  readonly frozen?: Pick<ClassifierParams<Tensor>, "encoder">;
};

/** {@link FineTuneBatch} in ordinary memory. */
export type HostFineTuneBatch = {
  readonly patches: Partial<HostPatches>;
  readonly targets: FloatTensor;
  readonly frozen?: Pick<ClassifierParams<FloatTensor>, "encoder">;
};

/** By name. Targets come smoothed and mixed, so the losses smooth nothing more. */
const losses = { "cross-entropy": crossEntropy, "binary-cross-entropy": binaryCrossEntropy } as const;

export type LossKind = keyof typeof losses;

/** The fine-tuning objective as one tfjs function of what learns and a batch. */
export const fineTuneLoss =
  (config: ModelConfig, mode: ClassifierMode, kind: LossKind) =>
  ({ encoder, head }: Tuned<Tensor>, { patches, targets, frozen }: FineTuneBatch): LossReport => {
    const whole = encoder ?? frozen?.encoder;
    if (whole === undefined) throw new Error("fine-tuning has neither an encoder that learns nor a frozen one");
    const total = losses[kind](classify(config, { encoder: whole, head }, patches, mode), targets);
    return { total, terms: { [kind]: total } };
  };
