import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPipesDecoder } from "../media/ffmpeg-pipes.js";
import { ffmpeg, makeFilm } from "../media/make-media.test.support.js";
import { mediaError } from "../media/media-error.js";
import type { ManifestItem } from "./manifest-item.js";
import { countPassedOver } from "./passed-over.js";
import { type Manifest, openManifest } from "./read-manifest.js";
import { splitBy } from "./split-by.js";
import { inWindows } from "./windows.js";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-mae-windows-"));
  await makeFilm(join(root, "film.mp4"), 7);
  await makeFilm(join(root, "short.mp4"), 2);
  await writeFile(join(root, "broken.mp4"), "no film");
});
afterAll(() => rm(root, { recursive: true }));

const itemsOf = async (manifest: Manifest, count = countPassedOver()): Promise<ManifestItem[]> => {
  const items: ManifestItem[] = [];
  for await (const item of manifest.items(count.passOver)) items.push(item);
  return items;
};
const decoder = createPipesDecoder(ffmpeg);

describe("windows", () => {
  it("make clips of a long recording; what is left out is told in seconds", async () => {
    const count = countPassedOver();
    const items = await itemsOf(inWindows(await openManifest(root), { seconds: 3, decoder }), count);
    expect(items.map(({ id, start, end }) => [id, start, end])).toEqual([
      ["broken", undefined, undefined],
      ["film_0-3", 0, 3],
      ["film_3-6", 3, 6],
      ["short", undefined, undefined],
    ]);
    expect(count.result()).toEqual({ "end shorter than half a window": { count: 1, first: ["film: 1.0 s"] } });
    const longer = await itemsOf(inWindows(await openManifest(root), { seconds: 4, decoder }));
    expect(longer.map(({ id }) => id)).toEqual(["broken", "film_0-4", "film_4-7", "short"]);
  });

  it("keep to the item's own part, its labels, split and boxes", async () => {
    const box = { x: 1, y: 2, width: 3, height: 4 };
    const list = join(root, "list.jsonl");
    const boxes = [0.5, 1.5, 2.5].map((time) => [time, box]);
    await writeFile(
      list,
      JSON.stringify({ id: "x", path: "film.mp4", start: 2, end: 6, label: "a", split: "val", boxes }),
    );
    expect(await itemsOf(inWindows(await openManifest(list), { seconds: 2, decoder }))).toEqual([
      {
        ...{ id: "x_2-4", path: join(root, "film.mp4"), start: 2, end: 4, labels: ["a"], split: "validation" },
        boxes: [
          [0.5, box],
          [1.5, box],
          [2.5, box],
        ],
      },
      {
        ...{ id: "x_4-6", path: join(root, "film.mp4"), start: 4, end: 6, labels: ["a"], split: "validation" },
        boxes: [
          [-0.5, box],
          [0.5, box],
        ],
      },
    ]);
  });

  it("have the box that stands or moves through them, and none where nothing is seen at all", async () => {
    const box = (x: number) => ({ x, y: 2, width: 3, height: 4 });
    const boxesOf = async (boxes: readonly unknown[]) => {
      const list = join(root, "track.jsonl");
      await writeFile(list, JSON.stringify({ id: "x", path: "film.mp4", end: 6, label: "a", boxes }));
      const items = await itemsOf(inWindows(await openManifest(list), { seconds: 2, decoder }));
      return items.map((item) => item.boxes);
    };
    // One box for the whole film.
    expect(await boxesOf([[0, box(1)]])).toEqual([[[0, box(1)]], [[-2, box(1)]], [[-4, box(1)]]]);
    // From 1 s to 5 s it moves from 10 to 50: in the part from 2 to 4 s, from 20 to 40 on the line between these two.
    const [, moving] = await boxesOf([
      [5, box(50)],
      [1, box(10)],
    ]);
    expect(moving).toEqual([
      [-1, box(10)],
      [3, box(50)],
    ]);
    expect(await boxesOf([])).toEqual([[], [], []]);
  });

  it("are not cut otherwise where ffmpeg was killed as it measured", async () => {
    const killed = { probe: async (path: string) => Promise.reject(mediaError(path, "killed")) };
    const cut = inWindows(await openManifest(root), { seconds: 3, decoder: killed });
    await expect(itemsOf(cut)).rejects.toMatchObject({ reason: "killed" });
  });

  it("refuse a length that is none", async () => {
    const manifest = await openManifest(root);
    expect(() => inWindows(manifest, { seconds: 0, decoder })).toThrow("--windows 10");
  });
});

describe("splitBy", () => {
  const listOf = async (rows: readonly string[]) => {
    const list = join(root, "split.csv");
    await writeFile(list, `path,start,end,labels,split\n${rows.join("\n")}\n`);
    return openManifest(list);
  };

  it("deals by label and seed, the clips of a file together; those that name a split keep it", async () => {
    const rows = [0, 1, 2].flatMap((label) =>
      Array.from({ length: 20 }, (_, n) => [0, 5].map((from) => `${label}/${n}.mp4,${from},${from + 5},l${label},`)),
    );
    const manifest = await listOf([...rows.flat(), "other.mp4,0,5,l0,eval", "other.mp4,5,10,l0,"]);
    const items = await itemsOf(splitBy(manifest, { shares: [0.8, 0.1, 0.1], seed: 1 }));
    const splitOf = new Map<string, Set<string | undefined>>();
    for (const { path, split } of items) splitOf.set(path, (splitOf.get(path) ?? new Set()).add(split));
    expect([...splitOf.values()].every(({ size }) => size === 1)).toBe(true);
    expect(splitOf.get(join(root, "other.mp4"))).toEqual(new Set(["test"]));
    for (const label of ["l0", "l1", "l2"]) {
      const own = items.filter(({ path, labels }) => labels[0] === label && !path.endsWith("other.mp4"));
      const counts = ["train", "validation", "test"].map((name) => own.filter(({ split }) => split === name).length);
      expect(counts).toEqual([32, 4, 4]);
    }
    const again = await itemsOf(
      splitBy(await listOf([...rows.flat()].reverse()), { shares: [0.8, 0.1, 0.1], seed: 1 }),
    );
    const first = new Map(items.map(({ id, split }) => [id, split]));
    expect(again.every(({ id, split }) => first.get(id) === split)).toBe(true);
    const other = await itemsOf(splitBy(manifest, { shares: [0.8, 0.1, 0.1], seed: 2 }));
    expect(other.some(({ id, split }) => first.get(id) !== split)).toBe(true);
  });

  it("deals files that the list says are parts of one recording together", async () => {
    const list = join(root, "cuts.csv");
    const rows = Array.from({ length: 30 }, (_, n) => `cuts/${n}.mp4,film ${n % 10},a`);
    await writeFile(list, `path,Recording,labels\n${rows.join("\n")}\n`);
    const items = await itemsOf(splitBy(await openManifest(list), { shares: [0.5, 0, 0.5], seed: 1 }));
    const splits = items.map(({ split }) => split);
    expect([splits.slice(10, 20), splits.slice(20)]).toEqual([splits.slice(0, 10), splits.slice(0, 10)]);
    expect(splits.filter((split) => split === "test")).toHaveLength(15);
  });

  it("has nothing to do where all name one", async () => {
    const dealt = splitBy(await listOf(["a.mp4,,,x,train"]), { shares: [0.5, 0, 0.5], seed: 0 });
    await expect(itemsOf(dealt)).rejects.toThrow("every clip names its split already");
  });
});
