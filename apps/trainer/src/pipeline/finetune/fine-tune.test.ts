import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, type FloatTensor, type Tree, treeLeaves } from "@kdc-mae/core";
import { compiled } from "@kdc-mae/engine/node";
import { type ClassifierParams, initClassifier } from "@kdc-mae/model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memorySet } from "../corpus/clip-set.js";
import { clipsInMemory } from "../corpus/training-clips.js";
import { readClassifier } from "../run/read-saved.js";
import { openRunFolder } from "../run/run-folder.js";
import { copyOf } from "../train/average.js";
import { fineTune } from "./fine-tune.js";
import { labelledBatches, recipeOf } from "./labelled-batches.js";
import { classes, config, form, madeClip, statistics, tinyWith } from "./made-clips.test.support.js";
import { runFineTuning } from "./run-fine-tuning.js";
import type { CheckedFineTuning } from "./schema.js";

const training = Array.from({ length: 17 }, (_, index) => madeClip(index));
const held = Array.from({ length: 7 }, (_, index) => madeClip(100 + index));

let root = "";
let made = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-finetune-"));
});
afterAll(() => rm(root, { recursive: true }));

const newFolder = (experiment: CheckedFineTuning) => openRunFolder(join(root, `run-${made++}`), experiment);
const begin = (): ClassifierParams<FloatTensor> => initClassifier(config, 3, createRng(5));
const bytes = (tree: Tree<FloatTensor>) => treeLeaves<FloatTensor>(tree).map(([path, { data }]) => [path, ...data]);
const source = async (experiment: CheckedFineTuning) =>
  labelledBatches(
    await clipsInMemory(training, form).open({ ...recipeOf(experiment, { statistics, classes }), workers: 0 }),
  );

/** Runs with a made-up evaluation, which is enough for what learns. */
async function tune(
  experiment: CheckedFineTuning,
  folder: Awaited<ReturnType<typeof newFolder>>,
  stop: { readonly step?: number; readonly evaluation?: number } = {},
) {
  const controller = new AbortController();
  const totals: number[] = [];
  const epochs: ClassifierParams<FloatTensor>[] = [];
  const params = begin();
  const result = await fineTune({
    ...{ experiment, config, params, source: await source(experiment), execute: compiled(), folder },
    signal: controller.signal,
    onStep: ({ step, total }) => {
      totals.push(total);
      if (step === stop.step) controller.abort();
    },
    evaluate: async (tuned) => {
      if (epochs.length === stop.evaluation) {
        controller.abort();
        controller.signal.throwIfAborted();
      }
      epochs.push(copyOf(tuned));
      return { score: [0.2, 0.7, 0.5][epochs.length - 1] ?? 0, figures: { accuracy: 0.5 } };
    },
    keepBest: async () => undefined,
    saveModel: async () => undefined,
  });
  return { ...result, totals, epochs };
}

/** Joint norms that a mode does not pass through, and the branch it does not have. */
const unusedIn = {
  multimodal: /^encoder\.joint\..*norms\.(audio|visual)\./,
  "audio-only": /^encoder\.(visual\.|joint\..*norms\.(joint|visual)\.)/,
  "visual-only": /^encoder\.(audio\.|joint\..*norms\.(joint|audio)\.)/,
} as const;

describe("what learns", () => {
  it.each(Object.keys(unusedIn) as (keyof typeof unusedIn)[])(
    "%s: every parameter it looks at, and no other",
    async (mode) => {
      const experiment = tinyWith({ mode, mixup: undefined, training: { batch: 5, epochs: 1 }, averaging: undefined });
      const before = begin();
      const { params, withoutGradient } = await tune(experiment, await newFolder(experiment));
      const start = new Map(treeLeaves<FloatTensor>(before));
      const still = treeLeaves<FloatTensor>(params).flatMap(([path, { data }]) =>
        start.get(path)?.data.every((value, index) => value === data[index]) ? [path] : [],
      );
      const unused = treeLeaves(before).flatMap(([path]) => (unusedIn[mode].test(path) ? [path] : []));
      expect(unused.length).toBeGreaterThan(5);
      expect([...withoutGradient].sort()).toEqual(unused.sort());
      expect(still.sort()).toEqual(unused);
    },
  );

  it("linear probe: the head learns, the encoder stays as it was to the last bit", async () => {
    const experiment = tinyWith({ tune: "linear-probe" });
    const { params, withoutGradient, averaged } = await tune(experiment, await newFolder(experiment));
    expect(bytes(params.encoder)).toEqual(bytes(begin().encoder));
    expect(bytes(averaged!.params.encoder)).toEqual(bytes(begin().encoder));
    expect(withoutGradient).toEqual([]);
    for (const [index, [path, ...values]] of bytes(params.head).entries()) {
      expect([path, ...values]).not.toEqual(bytes(begin().head)[index]);
    }
  });
});

describe("a run", () => {
  const experiment = tinyWith({});
  let wholeFolder: Awaited<ReturnType<typeof newFolder>>;
  let whole: Awaited<ReturnType<typeof tune>>;
  beforeAll(async () => {
    wholeFolder = await newFolder(experiment);
    whole = await tune(experiment, wholeFolder);
  });

  it.each([
    ["in the middle of an epoch", { step: 2 }],
    ["at an epoch's end", { step: 6 }],
    ["while an epoch is evaluated", { evaluation: 1 }],
  ])("goes on after a stop %s as if nothing had happened", async (_, stop) => {
    expect([whole.finished, whole.steps, whole.best]).toEqual([true, 9, { epoch: 2, score: 0.7 }]);
    const folder = await newFolder(experiment);
    const before = await tune(experiment, folder, stop);
    expect(before.finished).toBe(false);
    const after = await tune(experiment, folder);
    expect(after.finished).toBe(true);
    expect([...before.totals, ...after.totals]).toEqual(whole.totals);
    expect(bytes(after.params)).toEqual(bytes(whole.params));
    expect(bytes(after.averaged!.params)).toEqual(bytes(whole.averaged!.params));
    const log = (entries: Awaited<ReturnType<typeof folder.readLog>>) =>
      entries.map(({ seconds: _, waited: __, ...rest }) => rest);
    expect(log(await folder.readLog())).toEqual(log(await wholeFolder.readLog()));
  });

  it("averages the weights of the epochs it was told to", () => {
    const { averaged, epochs } = whole;
    expect(averaged?.epochs).toBe(2);
    const [second, third] = [treeLeaves<FloatTensor>(epochs[1]), treeLeaves<FloatTensor>(epochs[2])];
    for (const [index, [, { data }]] of treeLeaves<FloatTensor>(averaged!.params).entries()) {
      for (const [i, value] of data.entries()) {
        expect(value).toBeCloseTo((second[index][1].data[i] + third[index][1].data[i]) / 2, 6);
      }
    }
  });

  it("refuses to go on from another checkpoint", async () => {
    const folder = await newFolder(experiment);
    await tune(experiment, folder, { step: 1 });
    const params = initClassifier(config, 3, createRng(6));
    const evaluate = async () => ({ score: 0, figures: {} });
    await expect(
      fineTune({
        ...{ experiment, config, params, source: await source(experiment), execute: compiled(), folder, evaluate },
        keepBest: async () => undefined,
        saveModel: async () => undefined,
      }),
    ).rejects.toThrow("its run began from another checkpoint. Give the same --init, another folder with --out");
  });
});

describe("runFineTuning", () => {
  it.each(["cross-entropy", "binary-cross-entropy"] as const)(
    "%s learns, and keeps three classifiers that can be read",
    async (kind) => {
      const experiment = tinyWith({
        loss: { kind, labelSmoothing: 0.1 },
        training: { batch: 5, epochs: 8 },
        averaging: { from: 6, to: 8 },
        schedule: { kind: "constant" },
      });
      const folder = await newFolder(experiment);
      // Parts of four films.
      const parts = held.map((clip, at) => ({ ...clip, item: { ...clip.item, path: `film ${at % 4}`, start: at } }));
      const result = await runFineTuning({
        folder,
        start: { config, encoder: begin().encoder, visual: {}, notes: [] },
        data: {
          ...{
            classes,
            statistics,
            source: await source(experiment),
            evaluation: memorySet(parts),
            leftOut: {},
            notes: [],
          },
          close: async () => undefined,
        },
        execute: compiled(),
      });
      expect(result?.best.score).toBeGreaterThan(0.9);
      expect(result?.files).toHaveLength(3);
      const written = JSON.parse(await readFile(folder.file("result.json"), "utf8"));
      expect(written.recordings).toBe(4);
      // All seven right in four films: 0.025^(1/4). A perfect order has no interval.
      const exact = { low: expect.closeTo(0.39763536, 8), high: 1, level: 0.95, resamples: 0 };
      expect(written.intervals.last).toEqual(
        kind === "cross-entropy" ? { accuracy: exact, calibration: expect.anything() } : {},
      );
      expect(Object.keys(written.intervals.averaged)).toEqual(Object.keys(written.intervals.last));
      const losses = (await folder.readLog()).map((entry) => entry.losses[kind]);
      expect(losses.at(-1)).toBeLessThan(losses[0]);
      const best = await readClassifier(folder.file("best.safetensors"));
      expect([best.classes, best.config, best.statistics]).toEqual([classes, config, statistics]);
      expect(best.weights).toBe(`epoch ${result?.best.epoch}, the best of those run`);
      const averaged = await readClassifier(folder.file("averaged.safetensors"));
      expect(bytes(averaged.params)).toEqual(bytes(result!.tuned.averaged!.params));
    },
  );
});
