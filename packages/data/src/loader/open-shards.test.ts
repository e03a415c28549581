import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packTar } from "../shards/tar.js";
import { findWorker } from "./batch-pool.js";
import type { LoadedBatch } from "./loader.js";
import { type LoaderOptions, openShards } from "./open-shards.js";
import { clipCount, frontEnd, writeSmallSet } from "./small-set.test.support.js";

let set = "";
beforeAll(async () => {
  set = await mkdtemp(join(tmpdir(), "kdc-mae-loader-"));
  await writeSmallSet(set);
});
afterAll(() => rm(set, { recursive: true }));

const everyAugmentation = {
  noiseAndShift: true,
  specAugment: { frequency: 5, time: 9 },
  mixup: { probability: 0.5, alpha: 10 },
  flip: true,
};
const usual: LoaderOptions = {
  batch: 4,
  frontEnd,
  seed: 7,
  workers: 0,
  augment: everyAugmentation,
  classes: ["a", "b", "c"],
  smoothing: 0.1,
};
const load = async (more: Partial<LoaderOptions> = {}, epoch = 0, from = 0): Promise<LoadedBatch[]> => {
  const loader = await openShards(set, { ...usual, ...more });
  const batches: LoadedBatch[] = [];
  try {
    for await (const batch of loader.batches(epoch, from)) batches.push(batch);
  } finally {
    await loader.close();
  }
  return batches;
};
const ids = (batches: readonly LoadedBatch[]) => batches.flatMap(({ samples }) => samples.map(({ id }) => id));
/** The numbers of every sample by its id. */
const contents = (batches: readonly LoadedBatch[]) =>
  new Map(
    batches.flatMap(({ samples, patches: { audio, visual }, targets, pictures }) =>
      samples.map(({ id }, row) => {
        const rowOf = ({ shape, data }: { shape: readonly number[]; data: Float32Array }) => {
          const length = data.length / shape[0];
          return [...data.subarray(row * length, (row + 1) * length)];
        };
        return [
          id,
          { audio: rowOf(audio), visual: rowOf(visual), target: rowOf(targets!), picture: pictures[row] },
        ] as const;
      }),
    ),
  );

describe("openShards", () => {
  it("gives every sample once per epoch, in batches of patches, the rest left out", async () => {
    const loader = await openShards(set, usual);
    expect([loader.samples, loader.stepsPerEpoch]).toEqual([clipCount, 5]);
    expect(loader.logMel?.std).toBeGreaterThan(0.1);
    await loader.close();
    const batches = await load();
    expect(new Set(ids(batches)).size).toBe(20);
    expect(batches.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4]);
    expect(batches[0].patches.audio.shape).toEqual([4, 15, 64]);
    expect(batches[0].patches.visual.shape).toEqual([4, 9, 192]);
    expect(batches[0].targets?.shape).toEqual([4, 3]);
    expect(batches[0].patches.visual.data.every(Number.isFinite)).toBe(true);
    const whole = await load({ dropLast: false });
    expect([ids(whole).length, new Set(ids(whole)).size, whole.at(-1)!.samples.length]).toEqual([23, 23, 3]);
  });

  it("goes on at any batch with the batches that would have come", async () => {
    const all = await load({}, 2);
    expect(await load({}, 2, 3)).toEqual(all.slice(3));
    expect(ids(await load({}, 3))).not.toEqual(ids(all));
  });

  it("makes the same of a sample in whatever order, batch or machine it comes", async () => {
    const reference = contents(await load({ dropLast: false }));
    const other = contents(await load({ dropLast: false, batch: 7, buffer: 2, mix: 1, ahead: 1 }));
    for (const [id, content] of reference) expect(other.get(id)).toEqual(content);
    const shared = await Promise.all([0, 1, 2].map((rank) => load({ dropLast: false, rank, ranks: 3, batch: 3 })));
    expect(ids(shared.flat()).sort()).toEqual([...reference.keys()].sort());
    for (const [id, content] of contents(shared.flat())) expect(reference.get(id)).toEqual(content);
    expect(new Set([...reference.values()].map(({ picture }) => picture)).size).toBe(3);
  });

  const built = findWorker() !== undefined;
  if (!built) process.stdout.write("loader workers: skipped, the package is not built (run tsc -b packages/data)\n");
  it.runIf(built)("makes the same in worker threads, however many", async () => {
    const here = await load();
    expect(await load({ workers: 1 })).toEqual(here);
    expect(await load({ workers: 3, ahead: 1 })).toEqual(here);
    await expect(load({ workers: 1, classes: ["a", "b"] })).rejects.toMatchObject({ reason: "label-unknown" });
  });

  it.each<[Partial<LoaderOptions>, string]>([
    [{ workers: -3 }, "loader: workers is -3. Give a whole number of 0 or more"],
    [{ workers: Number.NaN }, "loader: workers is NaN"],
    [{ ahead: 0 }, "loader: ahead is 0. Give a whole number of 1 or more"],
  ])("refuses %o, by which nothing would ever be made", async (more, message) => {
    await expect(load(more)).rejects.toThrow(message);
  });

  it("leaves samples as they are without augmentation, and takes the middle picture", async () => {
    const plain = { augment: {}, picture: "middle" as const, shuffle: false, dropLast: false };
    const [once, again] = [await load(plain), await load(plain, 5)];
    expect(ids(once)).toEqual(Array.from({ length: 23 }, (_, n) => `clip ${n}`));
    expect(contents(again)).toEqual(contents(once));
    expect(once[0].pictures).toEqual([1, 1, 1, 1]);
    expect([...once[0].targets!.data.slice(0, 6)].map((value) => Math.round(value * 100))).toEqual([
      90, 3, 3, 3, 90, 90,
    ]);
  });

  it("takes one split, and evens out classes", async () => {
    expect(new Set(ids(await load({ split: "test", batch: 3 })))).toEqual(new Set(["clip 20", "clip 21", "clip 22"]));
    const drawn: string[][] = [];
    const repeated: number[] = [];
    for (let epoch = 0; epoch < 12; epoch++) {
      for (const { samples, occurrences } of await load({ balanced: true, augment: {} }, epoch)) {
        drawn.push(...samples.map(({ labels }) => [...labels]));
        repeated.push(...occurrences);
      }
    }
    const rare = drawn.filter((labels) => labels.includes("a")).length / drawn.length;
    expect(rare).toBeGreaterThan(0.27);
    expect(Math.max(...repeated)).toBeGreaterThan(0);
  });

  it("promises no more balanced steps than there are labelled clips for, and gives as many", async () => {
    const file = join(await mkdtemp(join(tmpdir(), "kdc-mae-loader-")), "set");
    await writeSmallSet(file, { unlabelled: (n) => n % 3 === 0 });
    const labelled = Array.from({ length: clipCount }, (_, n) => n).filter((n) => n % 3 !== 0).length;
    const loader = await openShards(file, { ...usual, balanced: true });
    expect([loader.samples, loader.stepsPerEpoch]).toEqual([labelled, Math.floor(labelled / 4)]);
    const batches: LoadedBatch[] = [];
    for await (const batch of loader.batches(0)) batches.push(batch);
    expect(batches.length).toBe(loader.stepsPerEpoch);
    expect(batches.every(({ samples }) => samples.every(({ labels }) => labels.length > 0))).toBe(true);
    await loader.close();
    await rm(file, { recursive: true });
  });

  it("puts clips that name no split where the rule says, and takes a subset of labels", async () => {
    const file = join(await mkdtemp(join(tmpdir(), "kdc-mae-loader-")), "set");
    await writeSmallSet(file, { split: (n) => (n < 20 ? undefined : "test") });
    const train = await openShards(file, { ...usual, split: "train" });
    expect(train.placing.counts).toEqual({ test: 3, train: 20 });
    expect([train.samples, train.items.some(({ split }) => split === "test")]).toEqual([20, false]);
    await train.close();
    const only = { names: ["c"], nameOf: new Map([["c", "c"]]) };
    const loader = await openShards(file, { ...usual, classes: ["c"], choice: { only } });
    expect([loader.samples, loader.passedOver["label not taken"].count]).toEqual([11, 11]);
    for await (const { targets } of loader.batches(0)) expect(targets?.shape).toEqual([4, 1]);
    await loader.close();
    const dealt = await openShards(file, {
      ...{ ...usual, split: "validation", batch: 2 },
      choice: { splitBy: { shares: [0.5, 0.5, 0], seed: 1 } },
    });
    expect(dealt.placing.counts).toEqual({ test: 3, train: 10, validation: 10 });
    await dealt.close();
    await rm(file, { recursive: true });
  });

  it("refuses an id that two clips have, and leads the keys of others' tars by their names", async () => {
    const twice = join(await mkdtemp(join(tmpdir(), "kdc-mae-loader-")), "set");
    await writeSmallSet(twice, { id: (n) => (n === 9 ? "clip 1" : `clip ${n}`) });
    await expect(openShards(twice, usual)).rejects.toThrow(/shard-000002.tar, sample k9: its id "clip 1" is that of a/);
    const tars = [0, 1].map((n) => join(set, `shard-00000${n}.tar`));
    await expect(openShards([...tars, tars[0]], usual)).rejects.toThrow("is that of a sample of");
    const others = await mkdtemp(join(tmpdir(), "kdc-mae-loader-"));
    for (const name of ["one.tar", "two.tar"]) {
      const files = [0, 1].flatMap((n) => [
        { name: `${n}.wav`, data: new Uint8Array(9) },
        { name: `${n}.jpg`, data: new Uint8Array(9) },
        { name: `${n}.cls`, data: new TextEncoder().encode("7") },
      ]);
      await writeFile(join(others, name), packTar(files));
    }
    const loader = await openShards(others, usual);
    expect(loader.items.map(({ id }) => id)).toEqual(["0", "1", "two/0", "two/1"]);
    await loader.close();
  });

  it("says what is wrong with a set that is too small, empty or damaged", async () => {
    await expect(load({ batch: 24 })).rejects.toThrow(
      "there are 23 clips and a batch takes 24. Give more clips, or a smaller batch",
    );
    await expect(openShards(join(set, "nowhere"), usual)).rejects.toMatchObject({ reason: "missing" });
    const empty = await mkdtemp(join(tmpdir(), "kdc-mae-loader-"));
    await expect(openShards(empty, usual)).rejects.toThrow("there are no shards in it");
    await writeFile(join(empty, "a.tar"), "no tar at all ".repeat(100));
    await expect(openShards(empty, usual)).rejects.toThrow("a header in it is damaged, or it is not a tar file");
    await rm(empty, { recursive: true });
  });

  it("reads tars of others, without an index, all the same", async () => {
    const tars = [0, 1, 2, 3, 4].map((n) => join(set, `shard-00000${n}.tar`));
    const bare = await mkdtemp(join(tmpdir(), "kdc-mae-loader-"));
    const { copyFile } = await import("node:fs/promises");
    for (const [n, tar] of tars.entries()) await copyFile(tar, join(bare, `${n}.tar`));
    const loader = await openShards(bare, usual);
    const batches: LoadedBatch[] = [];
    for await (const batch of loader.batches(0)) batches.push(batch);
    expect(batches).toEqual(await load());
    await loader.close();
    await rm(bare, { recursive: true });
  });
});
