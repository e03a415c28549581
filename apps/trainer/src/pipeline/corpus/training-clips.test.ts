import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { audioGrid, visualGrid } from "@kdc-mae/core";
import { createPipesDecoder, locateFfmpeg, makeSet, openManifest, prepare } from "@kdc-mae/data/node";
import { complementaryViews } from "@kdc-mae/masking";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type MaskedBatch, maskedSource } from "../pretrain/masked-batches.js";
import { clipFormFor } from "./clip-form.js";
import type { BatchRecipe } from "./held-clips.js";
import { loadClips } from "./load-clips.js";
import { measureStatistics } from "./statistics.js";
import { clipsInMemory, clipsInShards } from "./training-clips.js";

const grids = { audio: audioGrid(192, 32, 16), visual: visualGrid(48, 16) };
const form = clipFormFor(grids, 3);
const masking = { grids, seed: 11, masker: complementaryViews({ views: 2, ratio: { audio: 0.75, visual: 0.75 } }) };
const recipe: BatchRecipe = {
  ...{ batch: 4, seed: 11, workers: 0, statistics: { mean: -6, std: 4 } },
  augment: { noiseAndShift: true },
};
const shards = () => clipsInShards({ kind: "shards", path: join(folder, "set"), workers: 1 }, "train", form, {});
const ffmpeg = (await locateFfmpeg({ env: process.env })).path;
const decoder = createPipesDecoder(ffmpeg);
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-shard-source-"));
  await makeSet({
    directory: join(folder, "media"),
    ffmpeg,
    counts: { train: 11, validation: 0, test: 0 },
    seed: 1,
    options: { size: 64 },
  });
  await prepare({
    manifest: await openManifest(join(folder, "media", "manifest.jsonl")),
    ...{ out: join(folder, "set"), decoder, decodedBy: "ffmpeg of this test", workers: 2 },
    content: {
      clipsPerShard: 4,
      size: 48,
      frames: { count: 3, limit: 1.92 },
      seconds: 2.02,
      pictures: { kind: "ppm" },
    },
  });
});
afterAll(() => rm(folder, { recursive: true }));

const all = async (batches: AsyncIterable<MaskedBatch>): Promise<MaskedBatch[]> => {
  const got: MaskedBatch[] = [];
  for await (const batch of batches) got.push(batch);
  return got;
};
/** Each clip's numbers of an epoch, sorted, since the two sources have orders of their own. */
const clipsOf = (batches: readonly MaskedBatch[]): string[] =>
  batches
    .flatMap(({ patches: { audio, visual }, views }) =>
      [0, 1, 2, 3].map((row) => {
        const rowOf = ({ data }: { data: Float32Array | Int32Array }) => [
          ...data.subarray((row * data.length) / 4, ((row + 1) * data.length) / 4),
        ];
        const numbers = [rowOf(audio), rowOf(visual), ...views.map(({ audio: positions }) => rowOf(positions.visible))];
        return JSON.stringify(numbers);
      }),
    )
    .sort();

it("makes of each clip exactly what the clips in memory give: patches, noise, picture and views", async () => {
  const { kept: clips } = await loadClips(await itemsOf(), form, { decoder, concurrency: 2 });
  const memory = maskedSource(await clipsInMemory(clips, form).open(recipe), masking);
  const loader = await (await shards()).open(recipe);
  const packed = maskedSource(loader, masking);
  expect([packed.stepsPerEpoch, loader.samples]).toEqual([2, 11]);
  const seen = new Set<string>();
  const known = new Set<string>();
  // An epoch leaves three clips out, and the two sources leave out different ones: what both show must be equal.
  for (const clip of clipsOf(await all(memory.batches(3, 0)))) known.add(clip);
  for (const clip of clipsOf(await all(packed.batches(3, 0)))) seen.add(clip);
  expect([...seen].filter((clip) => known.has(clip)).length).toBeGreaterThanOrEqual(5);
  expect(await all(packed.batches(3, 1))).toEqual((await all(packed.batches(3, 0))).slice(1));
  await loader.close();
});

it("takes the statistics that were measured", async () => {
  const measured = await (await shards()).measure();
  expect(measured.std).toBeGreaterThan(0.5);
  const { kept } = await loadClips(await itemsOf(), form, { decoder, concurrency: 2 });
  const { mean, std } = measureStatistics(kept.filter(({ item }) => item.split === "train"));
  expect(measured.mean).toBeCloseTo(mean, 2);
  expect(measured.std).toBeCloseTo(std, 2);
});

async function itemsOf() {
  const items = [];
  for await (const item of (await openManifest(join(folder, "media", "manifest.jsonl"))).items()) items.push(item);
  return items;
}

it("tells what decoded the set, so that a run on it keeps that", async () => {
  const loader = await (await shards()).open(recipe);
  await loader.close();
  expect(loader.data.named.decodedBy).toBe("ffmpeg of this test");
});
