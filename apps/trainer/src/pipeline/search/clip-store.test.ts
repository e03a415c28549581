import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, isKdcError } from "@kdc-mae/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { streamNames } from "../embed/stream-names.js";
import type { ClipStore, ClipVectors, IndexAbout, IndexedClip } from "./clip-store.js";
import { type LanceModule, loadLance } from "./lance-module.js";
import { openLanceStore } from "./lance-store.js";
import { isAddress, openStore } from "./open-store.js";
import { openPlainStore, plainFile } from "./plain-store.js";

const width = 13;
const model = { name: "m", sha256: "ab", path: "/m" };
const about: IndexAbout = { format: 2, root: "/clips", model, width, window: 3, hop: 2 };
const rng = createRng("store");
const vector = () => Float32Array.from({ length: width }, () => rng.normal());
type Whole = ClipVectors & Required<Record<(typeof streamNames)[number], Float32Array>>;
const clip = (file: string, size = 7): Whole => ({
  ...{ file, size, modified: 1.7e12 + 0.25, start: 2.5, end: 5.5, last: true },
  ...{ audio: vector(), visual: vector(), joint: vector() },
});
/** A clip as it is listed. */
const bare = (one: ClipVectors): IndexedClip => {
  const { file, size, modified, start, end, last } = one;
  return { file, size, modified, start, end, last, streams: streamNames.filter((stream) => one[stream]) };
};
const clips = Array.from({ length: 53 }, (_, index) => clip(`a/${index} it's "one" ‰.mp4`, index));

const lance: LanceModule | undefined = await loadLance([process.cwd()]).catch((error: Error) => {
  process.stderr.write(`skipped: the LanceDB half of the store tests. ${error.message}\n`);
  return undefined;
});

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-store-"));
});
afterAll(() => rm(folder, { recursive: true }));

const listed = async (store: ClipStore): Promise<IndexedClip[]> => {
  const found: IndexedClip[] = [];
  for await (const clip of store.clips()) found.push(clip);
  return found;
};

type Opener = (where: string, fresh?: IndexAbout) => Promise<ClipStore>;
const stores: readonly (readonly [string, Opener | undefined])[] = [
  ["plain", openPlainStore],
  ["lancedb", lance && ((where, fresh) => openLanceStore(lance, where, fresh))],
  // What an object store's address goes through, without a network.
  ["lancedb-address", lance && ((where, fresh) => openLanceStore(lance, `file://${where}`, fresh))],
];

describe.each(stores)("a store of kind %s", (name, open) => {
  it.skipIf(open === undefined)("keeps, replaces, takes out and finds, also when opened again", async () => {
    const where = join(folder, name);
    await expect(open!(where)).rejects.toThrow("there is no index. Make one with kdc-mae index FOLDER");
    const store = await open!(where, about);
    expect([await listed(store), await store.count()]).toEqual([[], 0]);
    expect(await store.nearest("joint", clips[0].joint, 3)).toEqual([]);
    await store.change(clips.slice(0, 40), []);
    const changed = { ...clip(clips[5].file, 1000), last: false };
    const gone = [clips[0], clips[5], clips[17]].map(({ file }) => file);
    await store.change([changed, ...clips.slice(40)], gone);

    const again = await open!(where);
    expect(again.about).toEqual(about);
    const left = [...clips.slice(1, 5), changed, ...clips.slice(6, 17), ...clips.slice(18)];
    const wanted = left.map(bare);
    const byFile = (a: { file: string }, b: { file: string }) => (a.file < b.file ? -1 : 1);
    expect((await listed(again)).sort(byFile)).toEqual(wanted.sort(byFile));
    expect(await again.count()).toBe(left.length);

    for (const stream of streamNames) {
      const query = vector();
      const cosine = (one: Float32Array) => {
        const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i], 0);
        return dot(one, query) / Math.sqrt(dot(one, one) * dot(query, query));
      };
      const wanted = left.map((one) => ({ file: one.file, cosine: cosine(one[stream]) }));
      wanted.sort((a, b) => b.cosine - a.cosine);
      const found = await again.nearest(stream, query, 11);
      expect(found.map(({ clip: { file } }) => file)).toEqual(wanted.slice(0, 11).map(({ file }) => file));
      for (const [place, { cosine: got }] of found.entries()) expect(got).toBeCloseTo(wanted[place].cosine, 5);
      expect(await again.nearest(stream, query, 1000)).toHaveLength(left.length);
    }
  });
});

describe.each(stores)("a store of kind %s", (name, open) => {
  it.skipIf(open === undefined)("keeps several clips of a file, and those without some of the vectors", async () => {
    const store = await open!(join(folder, `${name}-parts`), about);
    const film = [0, 2, 4].map((start): Whole => ({ ...clip("film.mp4"), start, end: start + 3, last: start === 4 }));
    const { visual: _, joint: __, ...sound } = clip("bark.wav");
    const { audio: ___, joint: ____, ...still } = clip("dog.jpg");
    await store.change([film[0], sound], []);
    await store.change([film[1], film[2], still], []);
    const byPlace = (a: IndexedClip, b: IndexedClip) => (a.file + a.start < b.file + b.start ? -1 : 1);
    expect((await listed(store)).sort(byPlace)).toEqual([...film, sound, still].map(bare).sort(byPlace));
    const counts = await Promise.all([undefined, ...streamNames].map((stream) => store.count(stream)));
    expect(counts).toEqual([5, 4, 4, 3]);
    for (const stream of streamNames) {
      const having = [...film, sound, still].map(bare).filter(({ streams }) => streams.includes(stream));
      const found = await store.nearest(stream, vector(), 100);
      expect(found.map((one) => one.clip).sort(byPlace)).toEqual(having.sort(byPlace));
      expect(found.every(({ cosine }) => Number.isFinite(cosine))).toBe(true);
    }
    await store.change([], ["film.mp4"]);
    expect((await listed(store)).map(({ file }) => file).sort()).toEqual(["bark.wav", "dog.jpg"]);
    await store.close();
  });
});

describe("openStore", () => {
  it("opens what is there, and tells an address from a folder", async () => {
    const where = join(folder, "found");
    await (await openStore(where, { fresh: about })).change(clips.slice(0, 2), []);
    expect((await openStore(where)).kind).toBe("plain");
    await expect(openStore(where, { kind: "lancedb" })).rejects.toThrow("is kept in plain already. Leave it out");
    expect([isAddress("s3://bucket/x"), isAddress("C:\\clips"), isAddress("/clips")]).toEqual([true, false, false]);
  });

  it("says so when a file is no index", async () => {
    await writeFile(plainFile(folder), "torn");
    await expect(openStore(folder)).rejects.toThrow("it is not an index, or is damaged");
    await writeFile(plainFile(folder), "null");
    await expect(openStore(folder)).rejects.toThrow("it is not an index. Give the folder that kdc-mae index made");
  });

  it("names the package and the way around it where LanceDB is not installed", async () => {
    if (lance !== undefined) return;
    await expect(openStore("s3://bucket/clips")).rejects.toThrow(
      "@lancedb/lancedb: it is not installed. Install it with npm install @lancedb/lancedb apache-arrow@18",
    );
  });
});

describe("a plain index", () => {
  const files = async (where: string) => (await readdir(where)).sort();
  const rows = Array.from({ length: 40 }, (_, at) => `é ${at}/${"deep/".repeat(at % 5)}clip ${at}.mp4`);

  it("is what was written, through hundreds of changes, in few segments", async () => {
    const where = join(folder, "changes");
    const draw = createRng("changes");
    const wanted = new Map<string, Whole>();
    let store = await openPlainStore(where, about);
    for (let round = 0; round < 220; round++) {
      const some = (most: number) => Array.from({ length: draw.integer(most) }, () => rows[draw.integer(rows.length)]);
      const [added, removed] = [some(7).map((file) => clip(file, round)), some(4)];
      for (const file of removed) wanted.delete(file);
      for (const one of added) wanted.set(one.file, one);
      await store.change(
        [...new Map(added.map((one) => [one.file, one])).values()],
        [...removed, ...added.map(({ file }) => file)],
      );
      if (round % 10 === 0) {
        await store.close();
        store = await openPlainStore(where);
      }
      expect(await store.count()).toBe(wanted.size);
      const byFile = (a: { file: string }, b: { file: string }) => (a.file < b.file ? -1 : 1);
      const found = await store.nearest("audio", vector(), 100);
      expect(found.map((one) => one.clip).sort(byFile)).toEqual((await listed(store)).sort(byFile));
      expect((await listed(store)).sort(byFile)).toEqual([...wanted.values()].map(bare).sort(byFile));
      for (const one of [...wanted.values()].slice(0, 3)) {
        const [best] = await store.nearest("joint", one.joint, 1);
        expect([best.clip.file, best.clip.size]).toEqual([one.file, one.size]);
      }
      expect((await files(where)).length).toBeLessThan(9);
    }
    await store.close();
  }, 120_000);

  it("a changed byte is named, or changes nothing that is found", async () => {
    const [where, copy] = [join(folder, "sound"), join(folder, "copy")];
    const store = await openPlainStore(where, about);
    await store.change(clips.slice(0, 40), []);
    await store.change(clips.slice(40), [clips[3].file]);
    await store.close();
    const query = vector();
    const content = async (at: string) => {
      const opened = await openPlainStore(at);
      try {
        const near = await Promise.all(streamNames.map((stream) => opened.nearest(stream, query, 100)));
        return JSON.stringify([opened.about, await opened.count(), await listed(opened), near]);
      } finally {
        await opened.close();
      }
    };
    const whole = await content(where);
    const draw = createRng("mutations");
    let refused = 0;
    for (const name of await files(where)) {
      await cp(where, copy, { recursive: true });
      const bytes = await readFile(join(where, name));
      for (let round = 0; round < 150; round++) {
        const mutant = Buffer.from(bytes);
        const at = draw.integer(mutant.length);
        mutant[at] ^= 1 << draw.integer(8);
        await writeFile(join(copy, name), round % 5 === 0 ? mutant.subarray(0, at) : mutant);
        const read = await content(copy).catch((error) => error);
        if (typeof read === "string") expect(read).toBe(whole);
        else {
          refused++;
          expect([isKdcError(read), read.where.includes(copy) || read.where === "safetensors"]).toEqual([true, true]);
        }
      }
      await rm(copy, { recursive: true });
    }
    expect(refused).toBeGreaterThan(350);
  });

  it("stands as it was when a change cannot be written, and clears what a killed one left", async () => {
    const where = join(folder, "failing");
    const store = await openPlainStore(where, about);
    await store.change(clips.slice(0, 20), []);
    const before = await files(where);
    // A clip whose vector cannot be written, as a disk may fail on the way.
    const bad = {
      ...clip("bad.mp4"),
      get visual(): Float32Array {
        throw new RangeError("the disk");
      },
    };
    await expect(store.change([clips[30], bad], [clips[0].file])).rejects.toThrow("the disk");
    await store.close();
    expect(await files(where)).toEqual(before);
    const again = await openPlainStore(where);
    expect((await listed(again)).map(({ file }) => file)).toEqual(clips.slice(0, 20).map(({ file }) => file));
    await writeFile(join(where, "segment-00000099.safetensors"), "of a killed change");
    await writeFile(join(where, "notes.txt"), "somebody's");
    await again.change([clips[30]], []);
    expect((await files(where)).filter((name) => !name.startsWith("segment"))).toEqual(["index.json", "notes.txt"]);
    expect((await files(where)).includes("segment-00000099.safetensors")).toBe(false);
    await again.close();
  });

  it("goes on with what it opened while another run changes the folder, and sees it when opened again", async () => {
    const where = join(folder, "beside");
    const writer = await openPlainStore(where, about);
    await writer.change(clips.slice(0, 9), []);
    const opened = await openPlainStore(where);
    for (let at = 9; at < 30; at++) await writer.change([clips[at]], []);
    expect(await opened.nearest("joint", clips[4].joint, 1)).toMatchObject([{ clip: { file: clips[4].file } }]);
    const again = await openPlainStore(where);
    expect([await opened.count(), await again.count()]).toEqual([9, 30]);
    await Promise.all([writer, opened, again].map((store) => store.close()));
  });
});
