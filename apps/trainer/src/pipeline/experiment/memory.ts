import { countPatches, KdcError, patchLength } from "@kdc-mae/core";
import { type ModelConfig, parameterCount } from "@kdc-mae/model";
import { bytesOfClip, clipFormFor } from "../corpus/clip-form.js";
import { teacherOf } from "../pretrain/objective.js";
import { pairingOf } from "../run/pairing.js";
import type { CheckedExperiment } from "./schema.js";

/** What a pretraining takes of memory on a processor, bytes. */
export type MemoryEstimate = {
  readonly parameters: number;
  /** Of the parameters, for the thread that computes. */
  readonly copy: number;
  readonly gradients: number;
  /** Adam's two means, and the teacher's copy of the encoder where there is one. */
  readonly optimizer: number;
  /** What a step keeps of a batch until its gradients are made. */
  readonly activations: number;
  /** Clips in memory, or those of a prepared set that are made ahead. */
  readonly data: number;
  /** Node, ONNX Runtime and its compiled step. */
  readonly program: number;
};

const float = 4;
/** Numbers kept of a token in a block, in units of its width; measured, see docs/measurements/reliability.md. */
const keptOfToken = 20;
/** And of every pair of tokens and head. */
const keptOfPair = 2;

const block = (tokens: number, dim: number, heads: number): number =>
  keptOfToken * tokens * dim + keptOfPair * heads * tokens ** 2;

type Stack = readonly [depth: number, tokens: number, dim: number, heads: number];

/** The stacks that a view goes through in the encoder. */
function encoderStacks(config: ModelConfig, hidden: { readonly audioRatio: number; readonly visualRatio: number }) {
  const { embedDim: D, heads, modalityDepth, jointDepth, contrastHeads = 0, audio, visual } = config;
  const beside = (config.registers ?? 0) + (config.globalToken ? 1 : 0);
  const Ka = Math.floor(countPatches(audio) * (1 - hidden.audioRatio));
  const Kv = Math.floor(countPatches(visual) * (1 - hidden.visualRatio));
  const depth = modalityDepth + jointDepth + contrastHeads;
  const stacks: readonly Stack[] = [
    [depth, Ka + beside, D, heads],
    [depth, Kv + beside, D, heads],
    [jointDepth, Ka + Kv, D, heads],
  ];
  return stacks;
}

/** Numbers that one clip's views leave until the gradients are made. */
function activations(config: ModelConfig, { masking, training }: CheckedExperiment): number {
  const { decoderDim, decoderHeads, decoderDepth, predictor, audio, visual } = config;
  const [Na, Nv] = [countPatches(audio), countPatches(visual)];
  const again = training.gradientCheckpointing === "blocks";
  const kept = (stacks: readonly Stack[]): number =>
    stacks.reduce((sum, [depth, tokens, dim, H]) => sum + depth * (again ? tokens * dim : block(tokens, dim, H)), 0);
  const fillIns: readonly Stack[] = [
    [decoderDepth, Na + Nv, decoderDim, decoderHeads],
    ...(predictor === undefined ? [] : [[predictor.depth, Na + Nv, predictor.dim, predictor.heads] as const]),
  ];
  const ofView = [...encoderStacks(config, masking), ...fillIns];
  const apart = masking.contrast === undefined ? [] : encoderStacks(config, masking.contrast);
  // Blocks whose inputs alone are kept are made again one at a time.
  const working = again ? Math.max(...ofView.map(([, tokens, dim, H]) => block(tokens, dim, H))) : 0;
  const patches = 4 * (Na * patchLength(audio) + Nv * patchLength(visual));
  return masking.views * (kept(ofView) + working + patches) + kept(apart);
}

/**
 * Estimates what pretraining takes. Parameters, optimizer and clips in memory are counted; activations are a formula whose
 * two numbers were measured.
 *
 * @param clips in the data set
 */
export function estimateMemory(experiment: CheckedExperiment, config: ModelConfig, clips: number): MemoryEstimate {
  const { data, training } = experiment;
  const weights = float * parameterCount(config).all;
  const copies = teacherOf(experiment) !== undefined;
  const spectrogram = float * config.audio.rows * config.audio.columns * config.audio.patch ** 2;
  const picture = 3 * config.visual.rows * config.visual.columns * config.visual.patch ** 2;
  const cut = float * (spectrogram / float + picture);
  const stored = bytesOfClip(clipFormFor(config, pairingOf(experiment))) + 1000;
  return {
    parameters: weights,
    copy: weights,
    gradients: weights * (training.accumulate > 1 ? 2 : 1),
    optimizer: 2 * weights + (copies ? float * parameterCount(config).encoder : 0),
    activations: float * training.batch * activations(config, experiment),
    data: (data.kind === "shards" ? 300 * clips : stored * clips) + 5 * training.batch * cut,
    program: 200e6,
  };
}

export const sumOf = (estimate: MemoryEstimate): number => Object.values(estimate).reduce((sum, part) => sum + part, 0);

const size = (bytes: number): string =>
  bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;

/** The estimate in lines. */
export function inWords(estimate: MemoryEstimate, available: number): string {
  const rows = [...Object.entries(estimate), ["in all, about", sumOf(estimate)] as const];
  const lines = rows.map(([name, bytes]) => `${name.padEnd(14)}${size(bytes).padStart(9)}`);
  return `${lines.join("\n")}\n${"this process may use".padEnd(21)}${size(available)}\n`;
}

/**
 * Says before a run begins that it will not fit, or may not.
 *
 * @returns a sentence where it may not fit
 * @throws KdcError (`memory`) when what is surely needed (all but the activations) is more than there is
 */
export function expectRoom(estimate: MemoryEstimate, available: number): string | undefined {
  const sure = sumOf(estimate) - estimate.activations;
  if (sure > available) {
    throw new KdcError({
      where: "memory",
      what: `this run needs ${size(sure)} before its first step (data ${size(estimate.data)}), and this process may use ${size(available)}`,
      remedy:
        estimate.data > available / 2
          ? "Prepare the data once (kdc-mae prepare) and train from shards (data.kind=shards), which are read as they are needed"
          : "Take a smaller model, or a machine with more memory",
      reason: "memory",
    });
  }
  if (sumOf(estimate) <= available) return undefined;
  return `memory: about ${size(sumOf(estimate))} is needed and this process may use ${size(available)}; if memory runs out, take a smaller training.batch with more training.accumulate, or training.gradientCheckpointing "blocks"`;
}
