import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, type FloatTensor, float32, type HostTensor, treeLeaves } from "@kdc-mae/core";
import { valueAndGradients } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { initModel, loadModel, stateDict } from "@kdc-mae/model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withChanges } from "../experiment/change.js";
import { checkExperiment } from "../experiment/check.js";
import type { Experiment } from "../experiment/schema.js";
import { configFor } from "../run/model-file.js";
import { openRunFolder } from "../run/run-folder.js";
import { createViewDrawer } from "./draw-views.js";
import { flopPerClip } from "./flop-per-clip.js";
import { pretrainLoss } from "./loss.js";
import { type BatchSource, maskedSource } from "./masked-batches.js";
import { contrastMaskerFor, maskerFor } from "./masker.js";
import { objectiveFor } from "./objective.js";
import { pretrainSteps } from "./pretrain.js";

const base: Experiment = {
  name: "paths",
  data: { kind: "synthetic", train: 6, validation: 1, test: 1 },
  model: {
    ...{ preset: "tiny", embedDim: 24, heads: 3, modalityDepth: 1, jointDepth: 1, globalToken: true, registers: 1 },
    ...{ decoderDim: 8, decoderHeads: 2, decoderDepth: 1, predictor: { dim: 12, heads: 3, depth: 1 } },
    audio: { rows: 4, columns: 5, patch: 2, channels: 1 },
    visual: { rows: 3, columns: 3, patch: 2, channels: 3 },
  },
  masking: {
    ...{ kind: "complementary", views: 2, audioRatio: 0.75, visualRatio: 0.75 },
    contrast: { audioRatio: 0.5, visualRatio: 0.4 },
  },
  objective: [
    { term: "reconstruction-audio" },
    { term: "reconstruction-visual" },
    { term: "contrastive", weight: 0.1, options: { path: "own", tokens: "both" } },
    { term: "latent-prediction" },
  ],
  optimizer: { learningRate: 3e-3 },
  training: { batch: 3, epochs: 12 },
};
const experimentOf = (changes: unknown = {}) => checkExperiment(withChanges(base, changes), "paths.test.ts");
const experiment = experimentOf();
const config = configFor(experiment);
const [B, clips] = [3, 6];
const execute = compiled({ device: "cpu", threads: 1 });

const normal = (name: string, N: number, P: number): FloatTensor => {
  const rng = createRng(name);
  return float32(
    [B, N, P],
    Float32Array.from({ length: B * N * P }, () => rng.normal()),
  );
};

/** Two batches an epoch, masked by the trainer's own source. */
const sourceOf = (one = experiment): BatchSource =>
  maskedSource(
    {
      ...{ samples: clips, stepsPerEpoch: 2, items: [], data: undefined as never, close: async () => undefined },
      async *batches(epoch, from = 0, wanted = () => true) {
        for (let step = from; step < 2; step++) {
          if (!wanted(step)) continue;
          const samples = Array.from({ length: B }, (_, clip) => ({ id: `${step}-${clip}`, labels: [] }));
          const patches = { audio: normal(`a${step}`, 20, 4), visual: normal(`v${step}`, 9, 12) };
          yield { epoch, step, samples, patches, pictures: [0, 0, 0], occurrences: [0, 0, 0] };
        }
      },
    },
    { masker: maskerFor(one), contrast: contrastMaskerFor(one), grids: config, seed: 5 },
  );

async function firstBatch(one = experiment) {
  for await (const batch of sourceOf(one).batches(0, 0)) return batch;
  throw new Error("no batch");
}

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-paths-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function run(name: string, one = experiment) {
  const opened = await openRunFolder(join(folder, name), one);
  const { params } = await pretrainSteps({
    ...{ experiment: one, config: configFor(one), source: sourceOf(one), statistics: { mean: 0, std: 1 }, execute },
    folder: opened,
  });
  return { params, log: (await opened.readLog()).map(({ losses }) => losses) };
}

/** Which parameters an objective's gradients reach, by path. */
async function reached(objective: Experiment["objective"]): Promise<ReadonlyMap<string, boolean>> {
  const model = initModel(config, createRng(2));
  const teacher = { encoder: initModel(config, createRng(3)).encoder };
  const loss = pretrainLoss(config, objectiveFor({ ...experiment, objective } as typeof experiment));
  const inputs = { params: { model, weighting: {} }, batch: { ...(await firstBatch()), teacher } };
  const program = await execute(valueAndGradients(loss), inputs);
  const { gradients } = await program.run(inputs);
  await program.dispose();
  return new Map(
    treeLeaves<HostTensor>(gradients).map(([path, { data }]) => [path, data.some((value) => value !== 0)]),
  );
}

describe("views of the contrast's own, and predicted tokens", () => {
  it("are one view more with its own share hidden, another for every clip, the same again for the same seed", async () => {
    const { contrast = [], views } = await firstBatch();
    expect(contrast.map(({ audio, visual }) => [audio.visible.shape, visual.visible.shape])).toEqual([
      [
        [3, 10],
        [3, 5],
      ],
    ]);
    expect(views[0].audio.visible.shape).toEqual([3, 5]);
    expect((await firstBatch()).contrast).toEqual(contrast);
    const { data } = contrast[0].audio.visible;
    expect(data.subarray(0, 10)).not.toEqual(data.subarray(10, 20));
  });

  it("leave no parameter without a gradient", async () => {
    for (const [path, lives] of await reached(base.objective)) expect([path, lives]).toEqual([path, true]);
  });

  it("teach the encoder's two branches by the contrast, and nothing that rebuilds or predicts", async () => {
    const own = await reached([{ term: "contrastive", options: { path: "own", tokens: "both" } }]);
    const untouched = /^model\.(decoder|predictor)\.|\.norms\.joint\./;
    for (const [path, lives] of own) expect([path, lives]).toEqual([path, !untouched.test(path)]);
  });

  it("teach encoder and predictor by latent prediction, and not the decoder", async () => {
    const own = await reached([{ term: "latent-prediction" }]);
    // Global tokens meet the patches in the branches only; the modality passes are not looked at.
    const untouched = /^model\.decoder\.|\.norms\.(audio|visual)\./;
    for (const [path, lives] of own) expect([path, lives]).toEqual([path, !untouched.test(path)]);
  });

  it("train: every loss falls", async () => {
    const { log } = await run("train");
    const [first, last] = [log[0], log[log.length - 1]];
    for (const name of ["total", "contrastive", "latent-prediction"]) expect(last[name]).toBeLessThan(first[name]);
  });

  it("give the same step whether batches are seen at once or accumulated", async () => {
    const objective = base.objective.map((entry) => ({ ...entry, weight: 1 }));
    const one = { objective, training: { epochs: 1 } };
    const cached = await run(
      "cached",
      experimentOf({ ...one, training: { epochs: 1, accumulate: 2, accumulateContrast: "cached" } }),
    );
    const apart = await run("apart", experimentOf({ ...one, training: { epochs: 1, accumulate: 2 } }));
    // A contrast of six clips is harder than of three; what looks at each clip alone is the same.
    expect(cached.log[0].contrastive).toBeGreaterThan(apart.log[0].contrastive);
    expect(cached.log[0]["latent-prediction"]).toBeCloseTo(apart.log[0]["latent-prediction"], 5);
  });

  it("are drawn by what a teacher attends to: the same patches whoever asks, most attended first", async () => {
    const pointed = experimentOf({ masking: { contrast: { by: "teacher" } } });
    const batch = await firstBatch(pointed);
    expect(batch.contrast).toBeUndefined();
    const model = initModel(config, createRng(4));
    const { encoder } = initModel(config, createRng(5));
    const drawer = createViewDrawer(execute, config, async () => ({ model, teacher: { encoder } }), pointed);
    const [first, again] = [await drawer.draw(batch), await drawer.draw(batch)];
    await drawer.dispose();
    expect(first.contrast?.[0].visual.visible.shape).toEqual([3, 5]);
    expect(again.contrast).toEqual(first.contrast);
    expect((await run("pointed", pointed)).log).toHaveLength(12);
  });

  it("keep the predictor in the model's file, and count what they cost", () => {
    const params = initModel(config, createRng(6));
    expect(treeLeaves(loadModel(config, stateDict(config, params)).params)).toEqual(treeLeaves(params));
    const without = (change: object) => flopPerClip(experimentOf(change));
    const plain = without({
      ...{ masking: { contrast: null }, model: { predictor: null } },
      objective: base.objective.slice(0, 2),
    });
    const contrasted = without({ model: { predictor: null }, objective: base.objective.slice(0, 3) });
    expect(plain).toBeLessThan(contrasted);
    expect(contrasted).toBeLessThan(flopPerClip(experiment));
  });

  it.each([
    [{ objective: base.objective.slice(0, 2), model: { predictor: null } }, "masking.contrast: no term looks at"],
    [{ objective: base.objective.slice(0, 3) }, "model.predictor: nothing trains the predictor"],
    [
      {
        ...{ model: { contrastHeads: 1, predictor: null }, masking: { contrast: null } },
        objective: [...base.objective.slice(0, 2), { term: "view-distillation" }],
      },
      "model.contrastHeads: no term looks at what the contrast heads give",
    ],
    [{ masking: { contrast: null } }, 'set masking.contrast, or leave path "own" out'],
    [{ model: { predictor: null } }, "latent-prediction looks at predicted tokens: set model.predictor"],
    [
      {
        masking: { contrast: { by: "teacher" } },
        model: { globalToken: null },
        objective: [
          ...base.objective.slice(0, 2),
          { term: "contrastive", options: { path: "own" } },
          { term: "latent-prediction" },
        ],
      },
      "a teacher points at patches by its global token",
    ],
  ])("are refused where nobody looks, or nothing is there to look at (%#)", (changes, words) => {
    expect(() => experimentOf(changes)).toThrow(words);
  });
});
