import { countPatches, createRng, type FloatTensor, float32, type PatchGrid, patchLength } from "@kdc-mae/core";
import { adam, createTrainStep, type Execute } from "@kdc-mae/engine";
import { kdcMae, objective } from "@kdc-mae/losses";
import { batchViews, complementaryViews } from "@kdc-mae/masking";
import { initModel, type ModelConfig, presets } from "@kdc-mae/model";
import type { Tensor } from "@tensorflow/tfjs-core";
import { createEmbedder } from "../evaluate/embedding.js";
import { type PretrainBatch, type PretrainParams, pretrainLoss } from "../pretrain/loss.js";

export type Task = "pretrain-step" | "embed";
export type Size = keyof typeof presets;

/** What one engine is asked to do. */
export type Work = {
  readonly task: Task;
  readonly size: Size;
  readonly batch: number;
  /** Timed repetitions, after `warmup` untimed ones. */
  readonly steps: number;
  readonly warmup: number;
};

/** Seconds of each timed repetition, and of everything before the first. */
export type Timed = { readonly seconds: readonly number[]; readonly preparing: number };

const noise = (grid: PatchGrid, batch: number): FloatTensor => {
  const rng = createRng("bench");
  const shape = [batch, countPatches(grid), patchLength(grid)];
  return float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 2 * rng.uniform() - 1),
  );
};

async function timed({ steps, warmup }: Work, run: () => Promise<unknown>): Promise<Timed> {
  const start = performance.now();
  let preparing = 0;
  const seconds: number[] = [];
  for (let index = 0; index < warmup + steps; index++) {
    const began = performance.now();
    await run();
    if (index === 0) preparing = (performance.now() - start) / 1000;
    if (index >= warmup) seconds.push((performance.now() - began) / 1000);
  }
  return { seconds, preparing };
}

/** Runs the work with random patches: timing needs no data. */
export async function runWork(work: Work, execute: Execute): Promise<Timed> {
  const config: ModelConfig = presets[work.size];
  const patches = { audio: noise(config.audio, work.batch), visual: noise(config.visual, work.batch) };
  const model = initModel(config, createRng("bench"));
  if (work.task === "embed") {
    const embedder = await createEmbedder(execute, config, model, patches);
    return timed(work, () => embedder.embed(patches)).finally(embedder.dispose);
  }
  const masker = complementaryViews();
  const views = batchViews(Array.from({ length: work.batch }, (_, clip) => masker(config, createRng(clip))));
  // Normalised pixels, as the PyTorch side computes them too.
  const entries = kdcMae.map((entry) =>
    entry.term.startsWith("reconstruction") ? { ...entry, options: { normPixels: true } } : entry,
  );
  const train = createTrainStep<PretrainParams<Tensor>, PretrainBatch, ReturnType<ReturnType<typeof adam>["init"]>>(
    execute,
    pretrainLoss(config, objective(entries as Parameters<typeof objective>[0])),
    adam({ betas: [0.95, 0.999], weightDecay: 5e-7 }),
  );
  const state = train.init({ model, weighting: {} } as never);
  return timed(work, () => train.step(state, { patches, views } as never, 1e-4)).finally(train.dispose);
}
