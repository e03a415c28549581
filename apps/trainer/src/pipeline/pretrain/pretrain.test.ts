import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { audioGrid, createRng, type FloatTensor, float32, type Tree, treeLeaves, visualGrid } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { compiled } from "@kdc-mae/engine/node";
import { initModel, type ModelParams } from "@kdc-mae/model";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { clipFormFor } from "../corpus/clip-form.js";
import { heldClips } from "../corpus/held-clips.js";
import { withChanges } from "../experiment/change.js";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import { configFor } from "../run/model-file.js";
import { openRunFolder, readRunFolder } from "../run/run-folder.js";
import { maskedSource } from "./masked-batches.js";
import { maskerFor } from "./masker.js";
import { pretrainSteps } from "./pretrain.js";

const grids = { audio: audioGrid(48, 32, 16), visual: visualGrid(48, 16) };
const experiment = checkExperiment(
  withChanges(named.demo, {
    name: "tiny",
    model: {
      ...grids,
      embedDim: 24,
      heads: 3,
      visualLocality: [0.5, 0.2, 0],
      modalityDepth: 1,
      decoderDim: 16,
      decoderHeads: 2,
      decoderDepth: 1,
    },
    masking: { audioRatio: 0.5, visualRatio: 0.6 },
    teacher: { momentum: 0.9 },
    objective: [
      { term: "reconstruction-audio" },
      { term: "reconstruction-visual" },
      { term: "contrastive", weight: 0.1 },
      { term: "view-distillation", weight: 10, options: { target: "teacher" } },
    ],
    training: { batch: 5, epochs: 3, checkpointSeconds: 1000 },
  }),
  "test",
);
const config = configFor(experiment);
const statistics = { mean: 0, std: 1 };

const form = clipFormFor(grids);
const clips = Array.from({ length: 17 }, (_, index): StoredClip => {
  const rng = createRng(index);
  return {
    item: { id: `clip-${index}`, path: "", labels: [] },
    spectrogram: float32(
      [48, 32],
      Float32Array.from({ length: 48 * 32 }, () => rng.normal()),
    ),
    frames: [0, 1].map(() => Uint8Array.from({ length: 48 * 48 * 3 }, () => rng.integer(256))),
    times: [0, 1],
    original: { width: 48, height: 48 },
  };
});

let folders: string[] = [];
const newFolder = async () => {
  const path = await mkdtemp(join(tmpdir(), "kdc-pretrain-"));
  folders.push(path);
  return openRunFolder(path, experiment);
};
beforeEach(() => {
  folders = [];
});
afterEach(async () => {
  for (const path of folders) await rm(path, { recursive: true });
});

const open = (given = clips) =>
  heldClips(given, form).open({
    ...{ statistics, batch: experiment.training.batch, seed: 3, workers: 0 },
    augment: { noiseAndShift: true },
  });
const source = async (given = clips) =>
  maskedSource(await open(given), { masker: maskerFor(experiment), grids, seed: 3 });

const run = async (
  folder: Awaited<ReturnType<typeof newFolder>>,
  stopAt = Number.POSITIVE_INFINITY,
  onNote?: (note: string) => void,
  start?: ModelParams<FloatTensor>,
  execute = compiled(),
) => {
  const controller = new AbortController();
  const totals: number[] = [];
  const result = await pretrainSteps({
    statistics,
    experiment,
    config,
    source: await source(),
    execute,
    folder,
    start,
    signal: controller.signal,
    onNote,
    onStep: ({ step, total }) => {
      totals.push(total);
      if (step === stopAt) controller.abort();
    },
  });
  return { ...result, totals };
};

const bytes = (params: Tree<FloatTensor>) => treeLeaves<FloatTensor>(params).map(([path, { data }]) => [path, ...data]);

describe("pretrain", () => {
  it("goes on from its own start, given again or not, and refuses another", async () => {
    const folder = await newFolder();
    const start = (seed: number) => initModel(config, createRng(seed));
    const stopped = await run(folder, 2, undefined, start(1));
    expect(stopped.finished).toBe(false);
    await expect(run(folder, 3, undefined, start(2))).rejects.toThrow(
      "its run began from another checkpoint than --init, which would not be read. Leave --init out, or give the same",
    );
    expect((await run(folder, 4, undefined, start(1))).totals.length).toBeGreaterThan(0);
    const whole = await run(await newFolder(), undefined, undefined, start(1));
    const rest = await run(folder);
    expect(rest.totals.at(-1)).toBe(whole.totals.at(-1));
  });

  it("gives the same losses to the last digit when it runs twice", async () => {
    const folder = await newFolder();
    const first = await run(folder);
    const second = await run(await newFolder());
    expect(first.totals).toHaveLength(9);
    expect(second.totals).toEqual(first.totals);
    expect(bytes(second.params)).toEqual(bytes(first.params));
    const epochs = (await folder.readLog()).map(({ losses }) => losses["reconstruction-audio"]);
    expect(epochs.at(-1)).toBeLessThan(epochs[0]);
  });

  it("in mixed precision goes on at the loss scale it had, and ends where the run nobody stopped does", async () => {
    // Large enough that gradients overflow at the scale a run begins with.
    const start = initModel(config, createRng(1));
    for (const [, { data }] of treeLeaves<FloatTensor>(start.decoder)) for (const i of data.keys()) data[i] *= 16;
    const given = () => structuredClone(start);
    const notes: string[] = [];
    const mixed = (folder: Awaited<ReturnType<typeof newFolder>>, stopAt?: number) =>
      run(folder, stopAt, (note) => notes.push(note), given(), compiled({ threads: 1, precision: "mixed" }));
    const [stopped, undisturbed] = [await newFolder(), await newFolder()];
    await mixed(stopped, 2);
    const fell = notes.splice(0);
    expect(fell[0]).toMatch(/^step 1: gradients overflowed in half precision; the loss scale fell to \d+$/);
    const rest = await mixed(stopped);
    const later = notes.splice(0);
    const whole = await mixed(undisturbed);
    expect([...fell, ...later]).toEqual(notes);
    expect(rest.totals).toEqual(whole.totals.slice(-rest.totals.length));
    expect(bytes(rest.params)).toEqual(bytes(whole.params));
    const scales = async (folder: typeof stopped) => (await folder.readLog()).map(({ lossScale }) => lossScale);
    expect(await scales(stopped)).toEqual(await scales(undisturbed));
    expect((await scales(stopped)).at(-1)?.value).toBeLessThan(2 ** 16);
  });

  it("says how long it had no batch to work on", async () => {
    const folder = await newFolder();
    const quick = await source();
    let now = 0;
    const shares: number[] = [];
    // Batches are made ahead of the step: here each is begun after the step before it, and takes 60 ms of the run's clock.
    const after = (steps: number) => vi.waitUntil(() => shares.length >= steps, { timeout: 60_000, interval: 1 });
    await pretrainSteps({
      statistics,
      ...{ experiment, config, execute: compiled(), folder, clock: () => now },
      source: {
        ...quick,
        async *batches(epoch, from) {
          let steps = epoch * quick.stepsPerEpoch + from;
          for await (const batch of quick.batches(epoch, from)) {
            await after(steps++);
            now += 60;
            yield batch;
          }
        },
      },
      onStep: ({ waiting }) => shares.push(waiting),
    });
    const [first, ...later] = (await folder.readLog()).map(({ waited }) => waited);
    expect(first).toBeCloseTo(0.18, 9);
    // The first batch of a later epoch may be there before it is asked for.
    expect(later).toHaveLength(2);
    for (const waited of later) expect([0.12, 0.18]).toContainEqual(expect.closeTo(waited!, 9));
    // On this clock steps take no time, so that nothing but waiting is left.
    expect(shares[0]).toBe(1);
  });

  it.each([2, 3, 7])("goes on after a stop at step %i as if nothing had happened", async (stopAt) => {
    const whole = await run(await newFolder());
    const folder = await newFolder();
    const before = await run(folder, stopAt);
    expect(before.finished).toBe(false);
    const after = await run(folder);
    expect(after.finished).toBe(true);
    expect([...before.totals, ...after.totals]).toEqual(whole.totals);
    expect(bytes(after.params)).toEqual(bytes(whole.params));
    expect((await folder.readLog()).map(({ epoch, losses }) => [epoch, Number.isFinite(losses.total)])).toEqual([
      [0, true],
      [1, true],
      [2, true],
    ]);
  });

  it("goes on from the state before when a bit of the last one flipped, to the same model", async () => {
    const whole = await run(await newFolder());
    const folder = await newFolder();
    await run(folder, 2);
    await run(folder, 5);
    const state = folder.file("state.safetensors");
    const bytesOf = await readFile(state);
    bytesOf[bytesOf.length - 3] ^= 4;
    await writeFile(state, bytesOf);
    // As a kill leaves a log: in the middle of a line.
    await appendFile(folder.file("log.jsonl"), '{"epoch":1,"st');
    const notes: string[] = [];
    const after = await run(folder, Number.POSITIVE_INFINITY, (note) => notes.push(note));
    expect(notes).toEqual([
      `${state}: its content does not match its checksum: it was damaged or changed after it was written; the run goes on from the state before it (${folder.file("state.before.safetensors")}); the damaged one is now ${folder.file("state.damaged.safetensors")}`,
    ]);
    expect(after.totals).toEqual(whole.totals.slice(2));
    expect(bytes(after.params)).toEqual(bytes(whole.params));
    expect((await folder.readLog()).map(({ epoch }) => epoch)).toEqual([0, 1, 2]);
  });

  it("goes on after a stop in the middle of a step as if nothing had happened", async () => {
    const whole = await run(await newFolder());
    const folder = await newFolder();
    const controller = new AbortController();
    const totals: number[] = [];
    const common = { statistics, experiment, config, execute: compiled(), folder, signal: controller.signal };
    const before = await pretrainSteps({
      ...{ ...common, source: await source() },
      onStep: ({ step, total }) => {
        totals.push(total);
        // The next step is under way by then.
        if (step === 4) setTimeout(() => controller.abort(), 1);
      },
    });
    expect(before.finished).toBe(false);
    const after = await run(folder);
    expect([...totals, ...after.totals]).toEqual(whole.totals);
    expect(bytes(after.params)).toEqual(bytes(whole.params));
  });

  it("leaves out what a broken clip does to the loss, and says so", async () => {
    const spectrogram = float32([48, 32], new Float32Array(48 * 32).fill(Number.NaN));
    const broken = await source(clips.with(6, { ...clips[6], spectrogram }));
    const notes: string[] = [];
    const { finished, params } = await pretrainSteps({
      ...{ statistics, experiment, config, source: broken, execute: compiled(), folder: await newFolder() },
      onNote: (note) => notes.push(note),
    });
    expect(finished).toBe(true);
    expect(notes.length).toBeGreaterThan(0);
    for (const note of notes)
      expect(note).toMatch(/^step \d: the loss is NaN; its batches are skipped \(\d of 3 times\)$/);
    for (const [, { data }] of treeLeaves<FloatTensor>(params)) expect(data.every(Number.isFinite)).toBe(true);
  });

  it("refuses a folder that holds another experiment's run, and names the key", async () => {
    const folder = await newFolder();
    await run(folder, 2);
    await expect(
      openRunFolder(folder.path, { ...experiment, seed: 9, training: { ...experiment.training, batch: 4 } }),
    ).rejects.toThrow(
      /it holds a run of another experiment: seed is 9, and 0 there; training\.batch is 4, and 5 there\. Give another folder/,
    );
  });

  it("begins a folder anew whose run never came to train", async () => {
    const folder = await newFolder();
    const corrected = { ...experiment, seed: 9 };
    expect((await openRunFolder(folder.path, corrected)).experiment.seed).toBe(9);
    expect((await readRunFolder(folder.path)).experiment.seed).toBe(9);
  });

  it("refuses fewer clips than a batch takes", async () => {
    await expect(open(clips.slice(0, 3))).rejects.toThrow(
      "training data: there are 3 clips and a batch takes 5. Give more clips, or a smaller batch",
    );
  });
});
