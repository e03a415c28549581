import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, type FloatTensor, float32, type HostPatches, treeLeaves } from "@kdc-mae/core";
import { compiled } from "@kdc-mae/engine/node";
import { initModel } from "@kdc-mae/model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withChanges } from "../experiment/change.js";
import { checkExperiment } from "../experiment/check.js";
import type { Experiment } from "../experiment/schema.js";
import { configFor } from "../run/model-file.js";
import { openRunFolder } from "../run/run-folder.js";
import { type MaskedBatch, maskBatch } from "./masked-batches.js";
import { maskerFor } from "./masker.js";
import { pretrainSteps } from "./pretrain.js";

/** KDC-MAE as published, very small: 16 audio patches in a 4 × 4 grid, 9 picture patches. */
const base: Experiment = {
  name: "base",
  data: { kind: "synthetic", train: 3, validation: 1, test: 1 },
  model: {
    preset: "tiny",
    embedDim: 12,
    heads: 3,
    modalityDepth: 1,
    jointDepth: 2,
    decoderDim: 8,
    decoderHeads: 2,
    decoderDepth: 1,
    audio: { rows: 4, columns: 4, patch: 2, channels: 1 },
    visual: { rows: 3, columns: 3, patch: 2, channels: 3 },
  },
  masking: { kind: "complementary", views: 2, audioRatio: 0.75, visualRatio: 0.7 },
  objective: [
    { term: "reconstruction-audio", weight: 1 },
    { term: "reconstruction-visual", weight: 1 },
    { term: "contrastive", weight: 0.01 },
    { term: "view-distillation", weight: 10 },
  ],
  optimizer: { learningRate: 1e-3 },
  training: { batch: 3, epochs: 2 },
};

/** The published objective with options on some of its terms, or without them. */
const objective = (changes: Record<string, object | undefined>) => ({
  objective: base.objective
    .filter(({ term }) => !(String(term) in changes) || changes[String(term)] !== undefined)
    .map((entry) => ({ ...entry, ...(changes[String(entry.term)] ?? {}) })),
});
const distil = (options: object) => objective({ "view-distillation": { options } });

const B = 3;
function patches(): HostPatches {
  const rng = createRng("axes");
  const normal = (shape: number[]) =>
    float32(
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 3 * rng.normal()),
    );
  return { audio: normal([B, 16, 4]), visual: normal([B, 9, 12]) };
}

type Run = {
  readonly batch: MaskedBatch;
  /** Means by name of each epoch, which here is one step. */
  readonly losses: readonly Readonly<Record<string, number>>[];
  readonly weights: ReadonlyMap<string, FloatTensor>;
  /** The weights it began with. */
  readonly initial: ReadonlyMap<string, FloatTensor>;
};

let folder: string;
let runs = 0;
/** Two compiled training steps of the base with a change laid over it. */
async function run(change: object): Promise<Run> {
  const experiment = checkExperiment(withChanges(base, change), "axes.test.ts");
  const config = configFor(experiment);
  const masker = maskerFor(experiment);
  const rng = createRng(4);
  const batch = {
    patches: patches(),
    ...maskBatch(
      masker,
      config,
      Array.from({ length: B }, (_, clip) => rng.fork(clip)),
    ),
  };
  const runFolder = await openRunFolder(join(folder, `run${runs++}`), experiment);
  const { params } = await pretrainSteps({
    statistics: { mean: 0, std: 1 },
    experiment,
    config,
    source: {
      stepsPerEpoch: 1,
      batches: async function* () {
        yield batch;
      },
    },
    execute: compiled({ device: "cpu", threads: 1 }),
    folder: runFolder,
  });
  const losses = (await runFolder.readLog()).map((entry) => entry.losses);
  const initial = initModel(config, createRng(experiment.seed).fork("init"));
  return {
    ...{ batch, losses },
    weights: new Map(treeLeaves<FloatTensor>(params)),
    initial: new Map(treeLeaves<FloatTensor>(initial)),
  };
}

let published: Run;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-axes-"));
  published = await run({});
});
afterAll(() => rm(folder, { recursive: true }));

const first = ({ losses }: Run) => losses[0];
const seen = ({ batch }: Run, clip: number, view: number) => {
  const { data, shape } = batch.views[view].audio.visible;
  return [...data.subarray(clip * shape[1], (clip + 1) * shape[1])];
};
/** The term's first value is another one than as published, and the others' are the same. */
const changes = (term: string) => (run: Run) => {
  for (const [name, value] of Object.entries(first(published))) {
    if (name === "total") continue;
    if (name === term) expect(Math.abs(first(run)[name] / value - 1)).toBeGreaterThan(1e-3);
    else expect(first(run)[name]).toBeCloseTo(value, 5);
  }
};
/** The first values are as published, and what is learned from them is not: another gradient. */
const learnsOtherwise = (run: Run) => {
  const name = "encoder.joint.blocks.0.norms.joint.attentionNorm.gain";
  expect([...(run.weights.get(name)?.data ?? [])]).not.toEqual([...(published.weights.get(name)?.data ?? [])]);
};
/** There are weights of this name, and every one of them has moved. */
const moved = (name: RegExp) => (run: Run) => {
  const paths = [...run.initial.keys()].filter((path) => name.test(path));
  expect(paths).not.toEqual([]);
  for (const path of paths)
    expect([path, run.weights.get(path)?.data]).not.toEqual([path, run.initial.get(path)?.data]);
};
const both =
  (...checks: ((run: Run) => void)[]) =>
  (run: Run) => {
    for (const check of checks) check(run);
  };
/** Whole columns (moments) or rows (bands) of the 4 × 4 audio grid are seen together. */
const shares = (coordinate: (position: number) => number) => (run: Run) => {
  for (let clip = 0; clip < B; clip++) expect(new Set(seen(run, clip, 0).map(coordinate)).size).toBe(1);
};
const disjoint = (run: Run) => {
  for (let clip = 0; clip < B; clip++) {
    const all = run.batch.views.flatMap((_, view) => seen(run, clip, view));
    expect(new Set(all).size).toBe(all.length);
  }
};
const terms =
  (...names: string[]) =>
  (run: Run) =>
    expect(Object.keys(first(run)).sort()).toEqual([...names, "total"].sort());
const views = (count: number) => (run: Run) => expect(run.batch.views).toHaveLength(count);

const axes: [axis: string, change: object, effect: (run: Run) => void][] = [
  [
    "one view, no distillation: CAV-MAE",
    { masking: { views: 1 }, ...objective({ "view-distillation": undefined }) },
    both(views(1), terms("reconstruction-audio", "reconstruction-visual", "contrastive")),
  ],
  [
    "reconstruction alone: AV-MAE",
    { masking: { views: 1 }, ...objective({ "view-distillation": undefined, contrastive: undefined }) },
    terms("reconstruction-audio", "reconstruction-visual"),
  ],
  [
    "two views without the contrastive term, which crashes the released code",
    objective({ contrastive: undefined }),
    terms("reconstruction-audio", "reconstruction-visual", "view-distillation"),
  ],
  [
    "contrastive weight 0 with two views, which crashes it too",
    objective({ contrastive: { weight: 0 } }),
    (run) => expect(first(run).contrastive).toBeCloseTo(first(published).contrastive, 5),
  ],
  ["three disjoint views", { masking: { views: 3 } }, both(views(3), disjoint)],
  [
    "three views with learned weights, which crashes it too",
    { masking: { views: 3 }, weighting: "uncertainty" },
    views(3),
  ],
  ["four views that may overlap", { masking: { views: 4, kind: "independent" } }, views(4)],
  ["independent views", { masking: { kind: "independent" } }, (run) => expect(() => disjoint(run)).toThrow()],
  [
    "mask ratio of the sound",
    { masking: { audioRatio: 0.5 } },
    (run) =>
      expect([run.batch.views[0].audio.visible.shape, run.batch.views[0].visual.visible.shape]).toEqual([
        [B, 8],
        [B, 2],
      ]),
  ],
  [
    "mask ratio of the picture",
    { masking: { visualRatio: 0.5 } },
    (run) =>
      expect([run.batch.views[0].audio.visible.shape, run.batch.views[0].visual.visible.shape]).toEqual([
        [B, 4],
        [B, 4],
      ]),
  ],
  [
    "whole moments, which crashes it too",
    { masking: { audioStructure: "time" } },
    both(
      shares((position) => position % 4),
      disjoint,
    ),
  ],
  [
    "whole bands, which crashes it too",
    { masking: { audioStructure: "frequency" } },
    both(
      shares((position) => Math.floor(position / 4)),
      disjoint,
    ),
  ],
  [
    "blocks of moments and bands",
    { masking: { audioStructure: "time-frequency" } },
    (run) => expect(new Set(seen(run, 0, 0).map((position) => position % 4)).size).toBe(2),
  ],
  ["divergence kl", distil({ divergence: "kl" }), changes("view-distillation")],
  ["divergence reverse-kl", distil({ divergence: "reverse-kl" }), changes("view-distillation")],
  ["divergence symmetric-kl", distil({ divergence: "symmetric-kl" }), changes("view-distillation")],
  ["divergence mse", distil({ divergence: "mse" }), changes("view-distillation")],
  ["divergence mmd", distil({ divergence: "mmd" }), changes("view-distillation")],
  ["softmax with a temperature", distil({ distribution: "softmax", temperature: 0.5 }), changes("view-distillation")],
  ["all streams distilled", distil({ streams: ["joint", "audio", "visual"] }), changes("view-distillation")],
  ["the audio stream distilled", distil({ streams: ["audio"] }), changes("view-distillation")],
  [
    "stop-gradient",
    distil({ target: "stop-gradient" }),
    both(
      (run) => expect(first(run)["view-distillation"]).toBeCloseTo(first(published)["view-distillation"], 6),
      learnsOtherwise,
    ),
  ],
  [
    "moving-average teacher",
    distil({ target: "teacher" }),
    both(
      (run) => expect(first(run)["view-distillation"]).toBeCloseTo(first(published)["view-distillation"], 6),
      learnsOtherwise,
      (run) => expect(run.losses[1]["view-distillation"]).not.toBeCloseTo(published.losses[1]["view-distillation"], 6),
    ),
  ],
  [
    "moving-average teacher with its momentum",
    { ...distil({ target: "teacher" }), teacher: { momentum: 0.5 } },
    learnsOtherwise,
  ],
  [
    "contrastive from sound to picture",
    objective({ contrastive: { options: { direction: "audio-to-visual" } } }),
    changes("contrastive"),
  ],
  ["contrastive both ways", objective({ contrastive: { options: { direction: "both" } } }), changes("contrastive")],
  ["contrastive temperature", objective({ contrastive: { options: { temperature: 0.2 } } }), changes("contrastive")],
  [
    "global tokens contrasted",
    { model: { globalToken: true }, ...objective({ contrastive: { weight: 1, options: { tokens: "global" } } }) },
    moved(/^encoder\.(audio|visual)\.global$/),
  ],
  [
    "global and mean tokens contrasted through heads, registers beside them",
    {
      model: { globalToken: true, registers: 2, contrastHeads: 1 },
      ...objective({ contrastive: { weight: 1, options: { tokens: "both" } } }),
    },
    moved(/\.global$|registers|contrast.*weight$/i),
  ],
  [
    "VICReg's variance and covariance",
    { objective: [...base.objective, { term: "variance-covariance", weight: 0.1, options: { streams: ["joint"] } }] },
    both(
      terms(...base.objective.map(({ term }) => String(term)), "variance-covariance"),
      (run) => expect(first(run)["view-distillation"]).toBeCloseTo(first(published)["view-distillation"], 6),
      learnsOtherwise,
    ),
  ],
  [
    "uncertainty weights",
    { weighting: "uncertainty" },
    (run) => expect(first(run).total).toBeCloseTo(first(published).total / 2, 4),
  ],
  [
    "learned weights",
    { weighting: "learned" },
    both((run) => expect(first(run).total).toBeCloseTo(first(published).total, 4), learnsOtherwise),
  ],
  [
    "normalised pixels of the sound",
    objective({ "reconstruction-audio": { options: { normPixels: true } } }),
    changes("reconstruction-audio"),
  ],
  [
    "normalised pixels of the picture",
    objective({ "reconstruction-visual": { options: { normPixels: true } } }),
    changes("reconstruction-visual"),
  ],
  [
    "trained positions",
    { model: { positions: "learned" } },
    (run) => {
      expect(first(run).total).toBeCloseTo(first(published).total, 5);
      expect(run.weights.get("encoder.audio.positions")?.shape).toEqual([1, 16, 12]);
      expect(published.weights.has("encoder.audio.positions")).toBe(false);
    },
  ],
  ["pictures attended to from nearby", { model: { visualLocality: [1, 0.3, 0] } }, learnsOtherwise],
  [
    "the soft best token of a picture",
    objective({ contrastive: { options: { pooling: "log-sum-exp" } } }),
    changes("contrastive"),
  ],
  [
    "the released code's departures",
    { compat: "official" },
    (run) => expect(first(run)["reconstruction-audio"]).not.toBeCloseTo(first(published)["reconstruction-audio"], 4),
  ],
];

describe("one change of the experiment each, two compiled training steps", () => {
  it.each(axes)("%s", async (_, change, effect) => {
    const made = await run(change);
    expect(made.losses).toHaveLength(2);
    for (const value of made.losses.flatMap((losses) => Object.values(losses))) expect(value).toBeTypeOf("number");
    expect(made.losses[1].total).toBeLessThan(made.losses[0].total);
    effect(made);
  });
});
