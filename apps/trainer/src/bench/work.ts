import { countPatches, createRng, type FloatTensor, float32, type PatchGrid, patchLength } from "@kdc-mae/core";
import { adam, createTrainStep, type Execute } from "@kdc-mae/engine";
import { kdcMae, objective } from "@kdc-mae/losses";
import { batchViews, complementaryViews } from "@kdc-mae/masking";
import { initModel, type Keep, type ModelConfig, presets } from "@kdc-mae/model";
import { createBatchEmbedder } from "../pipeline/evaluate/embedding.js";
import { pretrainLoss } from "../pipeline/pretrain/loss.js";
import { runInt8 } from "./int8.js";
import { type Timed, timed } from "./timed.js";
import { watch, watchDevice } from "./watch.js";

export type BenchTask = "pretrain-step" | "embed";
export type ModelSize = keyof typeof presets;

/** What one engine is asked to do. */
export type Work = {
  readonly task: BenchTask;
  readonly size: ModelSize;
  readonly batch: number;
  /** Timed repetitions, after `warmup` untimed ones. */
  readonly steps: number;
  readonly warmup: number;
  /** `int8` embeds with 8-bit weights, compiled only; float32 unless given. */
  readonly dtype?: "float32" | "int8";
  /** On WebGPU alone; float32 unless given. */
  readonly precision?: "float32" | "mixed";
  /** What a pretraining step keeps of a block for its gradient; all unless given. */
  readonly keep?: Keep;
};

const noise = (grid: PatchGrid, batch: number): FloatTensor => {
  const rng = createRng("bench");
  const shape = [batch, countPatches(grid), patchLength(grid)];
  return float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 2 * rng.uniform() - 1),
  );
};

/** A pretraining step with random patches: timing needs no data. */
export function stepInputs(size: ModelSize, batch: number) {
  const config: ModelConfig = presets[size];
  const patches = { audio: noise(config.audio, batch), visual: noise(config.visual, batch) };
  const masker = complementaryViews();
  const views = batchViews(Array.from({ length: batch }, (_, clip) => masker(config, createRng(clip))));
  // Normalised pixels, as the PyTorch side computes them too.
  const entries = kdcMae.map((entry) =>
    entry.term.startsWith("reconstruction") ? { ...entry, options: { normPixels: true } } : entry,
  );
  return {
    ...{ config, patches, inputs: { patches, views } },
    params: { model: initModel(config, createRng("bench")), weighting: {} },
    objective: objective(entries as Parameters<typeof objective>[0]),
  };
}

/**
 * Runs the work.
 *
 * @param onRepetition told after each repetition what was measured by then
 */
export async function runWork(
  work: Work,
  given: Execute,
  onRepetition: (soFar: Timed) => void = () => undefined,
): Promise<Timed> {
  // What a device computes is not to be timed call by call: programs queue up.
  const { runtime } = given;
  const { execute, spent } = runtime === undefined ? watch(given) : watchDevice(Object.assign(given, { runtime }));
  const whole = (made: Timed): Timed =>
    made.seconds.length === 0 ? made : { ...made, ...spent(made.seconds.length, made.seconds) };
  const run = async (repetition: () => Promise<unknown>): Promise<Timed> =>
    whole(await timed(work, repetition, (soFar) => onRepetition(whole(soFar))));
  const { config, patches, inputs, params, objective: losses } = stepInputs(work.size, work.batch);
  if (work.dtype === "int8") return runInt8(work, config, params.model, patches, onRepetition);
  if (work.task === "embed") {
    const embedder = createBatchEmbedder(execute, config, params.model);
    return run(() => embedder.embed(patches)).finally(embedder.dispose);
  }
  const train = createTrainStep(
    execute,
    pretrainLoss(config, losses, { keep: work.keep }),
    adam({ betas: [0.95, 0.999], weightDecay: 5e-7 }),
  );
  const state = train.init(params);
  return run(() => train.step(state, inputs, 1e-4)).finally(train.dispose);
}
