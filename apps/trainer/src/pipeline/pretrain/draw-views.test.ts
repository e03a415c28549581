import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, type FloatTensor, float32, type HostTensor, type HostView, treeLeaves } from "@kdc-mae/core";
import { type Execute, eager, valueAndGradients } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { initModel } from "@kdc-mae/model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkExperiment } from "../experiment/check.js";
import type { Experiment } from "../experiment/schema.js";
import { configFor } from "../run/model-file.js";
import { openRunFolder } from "../run/run-folder.js";
import { createViewDrawer } from "./draw-views.js";
import { pretrainLoss } from "./loss.js";
import { type BatchSource, type MaskedBatch, maskBatch } from "./masked-batches.js";
import { maskerFor } from "./masker.js";
import { objectiveFor } from "./objective.js";
import { pretrainSteps } from "./pretrain.js";

const base: Experiment = {
  name: "adaptive",
  data: { kind: "synthetic", train: 3, validation: 1, test: 1 },
  model: {
    ...{ preset: "tiny", embedDim: 24, heads: 3, modalityDepth: 1, jointDepth: 1 },
    ...{ decoderDim: 8, decoderHeads: 2, decoderDepth: 1 },
    audio: { rows: 4, columns: 5, patch: 2, channels: 1 },
    visual: { rows: 7, columns: 3, patch: 2, channels: 3 },
  },
  masking: { kind: "adaptive", views: 2, audioRatio: 0.75, visualRatio: 0.75 },
  objective: [
    { term: "reconstruction-audio" },
    { term: "reconstruction-visual" },
    { term: "contrastive", weight: 0.01 },
    { term: "view-distillation", weight: 10 },
    { term: "patch-sampling", weight: 1 },
  ],
  optimizer: { learningRate: 1e-2 },
  training: { batch: 3, epochs: 4 },
};
const experiment = checkExperiment(base, "draw-views.test.ts");
const config = configFor(experiment);
const B = 3;

/** Patches that are the same everywhere but in one place, where they are loud: hard to rebuild there. */
function patches() {
  const rng = createRng("patches");
  const normal = (N: number, P: number, loud: number) =>
    float32(
      [B, N, P],
      Float32Array.from({ length: B * N * P }, (_, i) => (Math.floor(i / P) % N === loud ? 4 : 0.05) * rng.normal()),
    );
  return { audio: normal(20, 4, 7), visual: normal(21, 12, 11) };
}
const source: BatchSource = {
  stepsPerEpoch: 1,
  async *batches(epoch) {
    const streams = Array.from({ length: B }, (_, clip) => createRng(9).fork(epoch).fork(clip));
    yield { patches: patches(), ...maskBatch(maskerFor(experiment), config, streams) };
  },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-draw-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function run(
  name: string,
  stopAt = Number.POSITIVE_INFINITY,
  { batches = source, execute = compiled({ threads: 1 }) }: { batches?: BatchSource; execute?: Execute } = {},
) {
  const controller = new AbortController();
  const runFolder = await openRunFolder(join(folder, name), experiment);
  const { params, finished } = await pretrainSteps({
    ...{ experiment, config, source: batches, statistics: { mean: 0, std: 1 }, execute },
    folder: runFolder,
    signal: controller.signal,
    onStep: ({ step }) => {
      if (step === stopAt) controller.abort();
    },
  });
  const losses = (await runFolder.readLog()).map((entry) => entry.losses.total);
  return {
    finished,
    losses,
    weights: treeLeaves<FloatTensor>(params).map(([path, { data }]) => [path, [...data]] as const),
  };
}

async function batchOf(epoch: number): Promise<MaskedBatch> {
  for await (const batch of source.batches(epoch, 0)) return batch;
  throw new Error("no batch");
}

describe("adaptive masking", () => {
  it("gives every clip disjoint views of its own, the same for the same seed and weights", async () => {
    const model = initModel(config, createRng(1));
    const batch = await batchOf(0);
    const drawer = createViewDrawer(compiled({ threads: 1 }), config, async () => ({ model }), experiment);
    const [first, again] = [await drawer.draw(batch), await drawer.draw(batch)];
    await drawer.dispose();
    expect(again.views).toEqual(first.views);
    for (let clip = 0; clip < B; clip++) {
      const seen = first.views.flatMap(({ audio: { visible } }: HostView) => [
        ...visible.data.subarray(clip * 5, (clip + 1) * 5),
      ]);
      expect(new Set(seen).size).toBe(10);
    }
    expect([...first.views[0].audio.visible.data.subarray(0, 5)]).not.toEqual([
      ...first.views[0].audio.visible.data.subarray(5, 10),
    ]);
  });

  it("teaches the sampling network by its own term alone, and that term nothing else; every parameter lives", async () => {
    const model = initModel(config, createRng(2));
    const batch = await batchOf(0);
    const drawer = createViewDrawer(compiled({ threads: 1 }), config, async () => ({ model }), experiment);
    const drawn = await drawer.draw(batch);
    await drawer.dispose();
    const gradientsOf = async (objective: Experiment["objective"]) => {
      const loss = pretrainLoss(config, objectiveFor({ ...experiment, objective } as typeof experiment));
      const inputs = { params: { model, weighting: {} }, batch: drawn };
      const program = await compiled({ threads: 1 })(valueAndGradients(loss), inputs);
      const { gradients } = await program.run(inputs);
      await program.dispose();
      return treeLeaves<HostTensor>(gradients).map(
        ([path, { data }]) => [path, data.some((value) => value !== 0)] as const,
      );
    };
    for (const [path, lives] of await gradientsOf(base.objective)) expect([path, lives]).toEqual([path, true]);
    for (const [path, lives] of await gradientsOf([{ term: "patch-sampling" }])) {
      expect([path, lives]).toEqual([path, path.includes("sampler.")]);
    }
  });

  it.each([
    [0.75, 5],
    [0.9, 1],
    [0.95, 1],
  ])("learns to see what is hard to rebuild, %d hidden", async (ratio, seen) => {
    const masking = { ...base.masking, audioRatio: ratio, visualRatio: ratio } as Experiment["masking"];
    const long = checkExperiment({ ...base, masking, training: { batch: 3, epochs: 60 } }, "test");
    const { params } = await pretrainSteps({
      ...{ experiment: long, config, source, statistics: { mean: 0, std: 1 }, execute: compiled({ threads: 1 }) },
      folder: await openRunFolder(join(folder, `long-${ratio}`), long),
    });
    const counts = { loud: 0, others: 0 };
    const drawer = createViewDrawer(compiled({ threads: 1 }), config, async () => ({ model: params }), long);
    for (let round = 0; round < 30; round++) {
      const batch = await batchOf(1000 + round);
      for (const { audio } of (await drawer.draw(batch)).views) {
        expect(audio.visible.shape).toEqual([B, seen]);
        for (const patch of audio.visible.data) counts[patch === 7 ? "loud" : "others"] += 1;
      }
    }
    await drawer.dispose();
    // Two views of so many of twenty patches: by chance it is seen in 50 or 10 % of the clips.
    const share = counts.loud / (30 * B);
    expect(counts.loud + counts.others).toBe(2 * seen * 30 * B);
    expect(share).toBeGreaterThan(0.1 * seen + 0.3);
  });

  it("goes on after a stop as if nothing had happened", async () => {
    const whole = await run("whole");
    expect((await run("stopped", 2)).finished).toBe(false);
    expect((await run("stopped")).weights).toEqual(whole.weights);
  });

  it("draws by the weights as they are, where they lie on a device", async () => {
    // Several steps between two times at which the weights come to ordinary memory.
    const batches: BatchSource = {
      stepsPerEpoch: 3,
      async *batches(epoch, from) {
        for (let at = from; at < 3; at++) yield await batchOf(3 * epoch + at);
      },
    };
    const [here, there] = [
      await run("here", undefined, { batches }),
      await run("there", undefined, { batches, execute: eager("cpu") }),
    ];
    // Other views would make other losses.
    for (const [epoch, loss] of here.losses.entries()) expect(there.losses[epoch] / loss).toBeCloseTo(1, 4);
  });

  it("is refused with what only other masks read, and the other way round", () => {
    const masked = (masking: object) => () =>
      checkExperiment({ ...base, masking: { ...base.masking, ...masking } }, "t");
    expect(masked({ audioStructure: "time" })).toThrow("adaptive masking draws single patches");
    expect(masked({ kind: "complementary", temperature: 2 })).toThrow("only adaptive masking uses it");
  });
});
