import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { audioGrid, visualGrid } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { createPipesDecoder, locateFfmpeg, makeSet, openManifest, prepare } from "@kdc-mae/data/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clipFormFor } from "../corpus/clip-form.js";
import type { BatchRecipe } from "../corpus/held-clips.js";
import { loadClips } from "../corpus/load-clips.js";
import { clipsInMemory, clipsInShards } from "../corpus/training-clips.js";
import { type LabelledBatch, type LabelledSource, labelledBatches } from "./labelled-batches.js";

const grids = { audio: audioGrid(192, 32, 16), visual: visualGrid(48, 16) };
const form = { ...clipFormFor(grids, 3), keepSound: true };
const ffmpeg = (await locateFfmpeg({ env: process.env })).path;
let folder = "";
let clips: readonly StoredClip[] = [];
let classes: readonly string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-labelled-"));
  const decoder = createPipesDecoder(ffmpeg);
  await makeSet({
    ...{ directory: join(folder, "media"), ffmpeg, seed: 1, options: { size: 64 } },
    counts: { train: 11, validation: 0, test: 0 },
  });
  const manifest = await openManifest(join(folder, "media", "manifest.jsonl"));
  await prepare({
    ...{ manifest, out: join(folder, "set"), decoder, workers: 2 },
    content: {
      ...{ clipsPerShard: 4, size: 48, frames: { count: 3, limit: 1.92 }, seconds: 2.02 },
      pictures: { kind: "ppm" },
    },
  });
  const items = [];
  for await (const item of manifest.items()) items.push(item);
  clips = (await loadClips(items, form, { decoder, concurrency: 2 })).kept;
  classes = [...new Set(clips.flatMap(({ item }) => item.labels))].sort();
});
afterAll(() => rm(folder, { recursive: true }));

const augment = { noiseAndShift: true, specAugment: { frequency: 9, time: 40 } };
const recipe = (changed: Partial<BatchRecipe> = {}): BatchRecipe => ({
  ...{ statistics: { mean: -6, std: 4 }, classes, batch: 5, seed: 11, smoothing: 0.1, workers: 0, augment },
  ...changed,
});
const fromMemory = async (given: readonly StoredClip[], changed: Partial<BatchRecipe> = {}) =>
  labelledBatches(await clipsInMemory(given, form).open(recipe(changed)));
async function all(source: LabelledSource, epoch: number, from = 0): Promise<LabelledBatch[]> {
  const got: LabelledBatch[] = [];
  for await (const batch of source.batches(epoch, from)) got.push(batch);
  return got;
}
/** Each clip's numbers, since the two sources have orders of their own. */
const rows = (batches: readonly LabelledBatch[]): string[] =>
  batches.flatMap(({ patches: { audio, visual }, targets }) =>
    Array.from({ length: targets.shape[0] }, (_, row) =>
      JSON.stringify(
        [audio, visual, targets].map(({ data, shape }) => [
          ...data.subarray((row * data.length) / shape[0], ((row + 1) * data.length) / shape[0]),
        ]),
      ),
    ),
  );

describe("labelled batches", () => {
  it("are the same from memory and from shards: stripes, noise, picture and target", async () => {
    const memory = await fromMemory(clips);
    const data = { kind: "shards", path: join(folder, "set"), workers: 1 } as const;
    const shards = labelledBatches(await (await clipsInShards(data, "train", form, {})).open(recipe()));
    expect([memory.stepsPerEpoch, shards.stepsPerEpoch]).toEqual([2, 2]);
    const known = new Set(rows(await all(memory, 3)));
    const seen = rows(await all(shards, 3));
    // Each leaves one of eleven clips out, not the same one.
    expect(seen.filter((row) => known.has(row)).length).toBeGreaterThanOrEqual(9);
    await shards.close();
  });

  it("mix sounds, pictures and labels, in the same share", async () => {
    const mixup = { probability: 1, alpha: 10 };
    const one = clips[0];
    const alone = await all(await fromMemory([one, one], { augment: {}, batch: 2 }), 0);
    const mixed = await all(await fromMemory([one, one], { augment: { mixup }, batch: 2 }), 0);
    // A clip mixed with itself sounds as before (its mean is removed, which a spectrogram does not show).
    for (const [index, value] of mixed[0].patches.audio.data.entries()) {
      if (alone[0].patches.audio.data[index] > -1) expect(value).toBeCloseTo(alone[0].patches.audio.data[index], 1);
    }
    const both = await all(await fromMemory(clips, { augment: { mixup }, smoothing: 0 }), 1);
    const shares = both.flatMap(({ targets: { data, shape } }) =>
      Array.from({ length: shape[0] }, (_, row) => [...data.subarray(row * shape[1], (row + 1) * shape[1])]),
    );
    for (const share of shares) expect(share.reduce((sum, value) => sum + value)).toBeCloseTo(1, 5);
    expect(shares.some((share) => share.filter((value) => value > 0).length === 2)).toBe(true);
  });

  it("draw rare classes as often as common ones", async () => {
    const rare = clips[0].item.labels[0];
    const common = clips.find(({ item }) => item.labels[0] !== rare) as StoredClip;
    const many = Array.from({ length: 40 }, (_, index) => ({
      ...common,
      item: { ...common.item, id: `copy-${index}` },
    }));
    const source = await fromMemory([...many, clips[0]], { balanced: true, smoothing: 0, augment: {} });
    let [draws, hits] = [0, 0];
    for (let epoch = 0; epoch < 3; epoch++) {
      for (const { targets } of await all(source, epoch)) {
        draws += targets.shape[0];
        for (let row = 0; row < targets.shape[0]; row++)
          hits += targets.data[row * classes.length + classes.indexOf(rare)];
      }
    }
    expect(draws).toBe(120);
    expect(Math.abs(hits / draws - 0.5)).toBeLessThan(0.15);
  });

  it("begin anywhere in an epoch", async () => {
    const source = await fromMemory(clips, { augment: { ...augment, mixup: { probability: 0.5, alpha: 10 } } });
    expect(await all(source, 2, 1)).toEqual((await all(source, 2)).slice(1));
  });
});
