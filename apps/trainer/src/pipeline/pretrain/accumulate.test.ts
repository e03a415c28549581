import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, type FloatTensor, float32, type HostTensor, int32, mapTree, treeLeaves } from "@kdc-mae/core";
import { type Execute, eager } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { batchViews } from "@kdc-mae/masking";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withChanges } from "../experiment/change.js";
import { checkExperiment } from "../experiment/check.js";
import type { Experiment } from "../experiment/schema.js";
import { configFor } from "../run/model-file.js";
import { openRunFolder } from "../run/run-folder.js";
import type { MaskedBatch } from "./masked-batches.js";
import { maskerFor } from "./masker.js";
import { pretrainSteps } from "./pretrain.js";

/** Everything that may tie clips of a batch together: contrast, shift-and-sum's minimum, a trained weighting, clipping. */
const base: Experiment = {
  name: "accumulate",
  data: { kind: "synthetic", train: 7, validation: 1, test: 1 },
  model: {
    ...{ preset: "tiny", embedDim: 12, heads: 3, modalityDepth: 1, jointDepth: 1 },
    ...{ decoderDim: 8, decoderHeads: 2, decoderDepth: 1 },
    audio: { rows: 4, columns: 4, patch: 2, channels: 1 },
    visual: { rows: 3, columns: 3, patch: 2, channels: 3 },
  },
  masking: { kind: "complementary", views: 2, audioRatio: 0.75, visualRatio: 0.7 },
  objective: [
    { term: "reconstruction-audio" },
    { term: "reconstruction-visual" },
    { term: "contrastive", options: { direction: "both" } },
    { term: "view-distillation", weight: 10 },
    { term: "view-distillation", name: "teacher", options: { target: "teacher", divergence: "mse" } },
  ],
  weighting: "learned",
  teacher: { momentum: 0.5 },
  // A large epsilon keeps Adam from dividing small gradients' rounding away.
  optimizer: { learningRate: 0.3, epsilon: 1, clipNorm: 2 },
  training: { batch: 6, epochs: 3 },
};

const clips = 6;
const whole = ((): Pick<MaskedBatch, "patches" | "views"> => {
  const experiment = checkExperiment(base, "accumulate.test.ts");
  const rng = createRng("accumulate");
  const normal = (name: string, shape: number[]) => {
    const own = rng.fork(name);
    const size = shape.reduce((a, b) => a * b);
    return float32(
      shape,
      Float32Array.from({ length: size }, () => 2 * own.normal()),
    );
  };
  const masker = maskerFor(experiment)!;
  const views = Array.from({ length: clips }, (_, clip) => masker(configFor(experiment), rng.fork(clip)));
  return {
    patches: { audio: normal("a", [clips, 16, 4]), visual: normal("v", [clips, 9, 12]) },
    views: batchViews(views),
  };
})();

const rows = (from: number, count: number): MaskedBatch =>
  mapTree(whole, ({ dtype, shape, data }: HostTensor) => {
    const size = data.length / shape[0];
    const part = data.slice(from * size, (from + count) * size);
    const cut = [count, ...shape.slice(1)];
    return dtype === "float32" ? float32(cut, part as Float32Array) : int32(cut, part as Int32Array);
  }) as Pick<MaskedBatch, "patches" | "views">;

let folder: string;
let runs = 0;
async function run(change: object, batches: readonly MaskedBatch[], execute: Execute = compiled({ threads: 1 })) {
  const experiment = checkExperiment(withChanges(base, change), "accumulate.test.ts");
  const runFolder = await openRunFolder(join(folder, `run${runs++}`), experiment);
  const source = {
    stepsPerEpoch: batches.length,
    batches: async function* () {
      yield* batches;
    },
  };
  const config = configFor(experiment);
  const { params } = await pretrainSteps({
    statistics: { mean: 0, std: 1 },
    experiment,
    config,
    source,
    execute,
    folder: runFolder,
  });
  const losses = (await runFolder.readLog()).map((entry) => entry.losses);
  return { losses, params: treeLeaves<FloatTensor>(params) };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-accumulate-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("training.accumulateContrast", () => {
  it("cached: three batches of two are one batch of six; per-batch: their contrast sees two clips", async () => {
    const pieces = [rows(0, 2), rows(2, 2), rows(4, 2)];
    const single = await run({}, [whole]);
    const cached = await run({ training: { batch: 2, accumulate: 3, accumulateContrast: "cached" } }, pieces);
    const plain = await run({ training: { batch: 2, accumulate: 3 } }, pieces);

    expect(cached.losses).toHaveLength(3);
    for (const [epoch, terms] of single.losses.entries()) {
      for (const [name, value] of Object.entries(terms)) {
        expect(Math.abs(cached.losses[epoch][name] / value - 1), `${name}, step ${epoch}`).toBeLessThan(2e-5);
      }
    }
    let [moved, apart, apartPlain] = [0, 0, 0];
    for (const [index, [path, { data }]] of single.params.entries()) {
      for (let i = 0; i < data.length; i++) {
        apart = Math.max(apart, Math.abs(cached.params[index][1].data[i] - data[i]));
        apartPlain = Math.max(apartPlain, Math.abs(plain.params[index][1].data[i] - data[i]));
        moved = Math.max(moved, Math.abs(data[i]));
      }
      expect(data.every(Number.isFinite), path).toBe(true);
    }
    expect(apart).toBeLessThan(2e-6 * Math.max(1, moved));
    expect(apartPlain).toBeGreaterThan(1e-3);
    expect(plain.losses[0].contrastive).toBeLessThan(single.losses[0].contrastive * 0.8);
    expect(plain.losses[0]["reconstruction-audio"]).toBeCloseTo(single.losses[0]["reconstruction-audio"], 4);
  });

  it("the same with state and teacher kept where tfjs computes", async () => {
    const change = { training: { batch: 2, accumulate: 3, accumulateContrast: "cached" } };
    const pieces = [rows(0, 2), rows(2, 2), rows(4, 2)];
    const [here, there] = [await run(change, pieces), await run(change, pieces, eager("cpu"))];
    for (const [epoch, terms] of here.losses.entries()) {
      for (const [name, value] of Object.entries(terms)) {
        expect(Math.abs(there.losses[epoch][name] / value - 1), `${name}, step ${epoch}`).toBeLessThan(2e-5);
      }
    }
    for (const [index, [path, { data }]] of here.params.entries()) {
      for (const [i, value] of data.entries()) expect(there.params[index][1].data[i], path).toBeCloseTo(value, 5);
    }
  });

  it("has a message for another value", () => {
    const change = { training: { batch: 2, accumulate: 3, accumulateContrast: "all" } };
    expect(() => checkExperiment(withChanges(base, change), "here")).toThrow(
      'experiment here: training.accumulateContrast must be one of "per-batch", "cached"',
    );
  });
});
