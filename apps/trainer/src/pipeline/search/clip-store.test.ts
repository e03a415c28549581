import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng } from "@kdc-mae/core";
import { writeTensors } from "@kdc-mae/model/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ClipStore, type ClipVectors, type IndexAbout, streamNames } from "./clip-store.js";
import { type LanceModule, loadLance } from "./lance-module.js";
import { openLanceStore } from "./lance-store.js";
import { isAddress, openStore } from "./open-store.js";
import { openPlainStore, plainFile } from "./plain-store.js";

const width = 13;
const about: IndexAbout = { format: 1, root: "/clips", model: { name: "m", sha256: "ab", path: "/m" }, width };
const rng = createRng("store");
const vector = () => Float32Array.from({ length: width }, () => rng.normal());
const clip = (file: string, size = 7): ClipVectors => ({
  ...{ file, size, modified: 1.7e12 + 0.25, windows: 2 },
  ...{ audio: vector(), visual: vector(), joint: vector() },
});
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
    expect(await store.clips()).toEqual([]);
    expect(await store.nearest("joint", clips[0].joint, 3)).toEqual([]);
    await store.change(clips.slice(0, 40), []);
    const changed = { ...clip(clips[5].file, 1000), windows: 3 };
    await store.change([changed, ...clips.slice(40)], [clips[0].file, clips[17].file]);

    const again = await open!(where);
    expect(again.about).toEqual(about);
    const left = [...clips.slice(1, 5), changed, ...clips.slice(6, 17), ...clips.slice(18)];
    const listed = left.map(({ file, size, modified, windows }) => ({ file, size, modified, windows }));
    const byFile = (a: { file: string }, b: { file: string }) => (a.file < b.file ? -1 : 1);
    expect([...(await again.clips())].sort(byFile)).toEqual(listed.sort(byFile));

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

describe("openStore", () => {
  it("opens what is there, and tells an address from a folder", async () => {
    const where = join(folder, "found");
    await (await openStore(where, { fresh: about })).change(clips.slice(0, 2), []);
    expect((await openStore(where, { kind: "lancedb" })).kind).toBe("plain");
    expect([isAddress("s3://bucket/x"), isAddress("C:\\clips"), isAddress("/clips")]).toEqual([true, false, false]);
  });

  it("says so when a file is no index", async () => {
    await writeTensors(plainFile(folder), { a: { dtype: "float32", shape: [1], data: Float32Array.of(1) } });
    await expect(openStore(folder)).rejects.toThrow(
      "is not an index (it does not say what was indexed). Give the folder",
    );
    await writeFile(plainFile(folder), "torn");
    await expect(openStore(folder)).rejects.toThrow("index.safetensors");
  });

  it("names the package and the way around it where LanceDB is not installed", async () => {
    if (lance !== undefined) return;
    await expect(openStore("s3://bucket/clips")).rejects.toThrow(
      "@lancedb/lancedb: it is not installed. Install it with npm install @lancedb/lancedb apache-arrow@18",
    );
  });
});
