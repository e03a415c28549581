import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Clip } from "@kdc-mae/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openManifest } from "../manifest/read-manifest.js";
import { createPipesDecoder } from "../media/ffmpeg-pipes.js";
import { locateFfmpeg } from "../media/locate-ffmpeg.js";
import { prepare } from "../prepare/prepare.js";
import { chosenFrom } from "../shards/choose-samples.js";
import { readNotes } from "../shards/sample-notes.js";
import { scanShard } from "../shards/shard-index.js";
import { packTar } from "../shards/tar.js";
import { makeSet } from "../synthetic/make-set.js";
import { type ReadShardsOptions, readShards } from "./read-shards.js";

const ffmpeg = (await locateFfmpeg({ env: process.env })).path;
const decoder = createPipesDecoder(ffmpeg);
const request = { sampleRate: 16000, frames: { count: 3, limit: 1.9 }, size: 32, seconds: 2 };
let folder = "";
let set = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-read-"));
  set = join(folder, "set");
  const counts = { train: 5, validation: 0, test: 3 };
  await makeSet({ ...{ directory: join(folder, "media"), ffmpeg, counts, seed: 1 }, options: { size: 64 } });
  const { sampleRate, ...rest } = request;
  await prepare({
    ...{ manifest: await openManifest(join(folder, "media", "manifest.jsonl")), out: set, decoder, workers: 2 },
    content: { ...rest, sampleRate, clipsPerShard: 3, pictures: { kind: "ppm" } },
  });
});
afterAll(() => rm(folder, { recursive: true }));

const read = async (where: string, options: ReadShardsOptions = {}): Promise<Clip[]> => {
  const reading = await readShards(where, options);
  const clips: Clip[] = [];
  for await (const clip of reading.clips()) clips.push(clip);
  expect(clips.map(({ item }) => item.id)).toEqual(reading.items.map(({ id }) => id));
  expect(clips.length).toBe(reading.count);
  await reading.close();
  return clips;
};

it("gives every clip in order with all pictures, boxes and the original size, as the decoder does", async () => {
  const clips = await read(set);
  const manifest = await openManifest(join(folder, "media", "manifest.jsonl"));
  let at = 0;
  for await (const item of manifest.items()) {
    const direct = await decoder.decode(item, request);
    const { waveform, frames, original, item: same } = clips[at++];
    expect({ ...same, path: item.path }).toEqual({ ...item });
    expect(same.columns?.distractor).toMatch(/^(yes|no)$/);
    expect(original).toEqual(direct.original);
    expect(frames.map(({ data }) => data.length)).toEqual([3072, 3072, 3072]);
    for (const [index, frame] of frames.entries())
      expect(Buffer.compare(frame.data, direct.frames[index].data)).toBe(0);
    expect(waveform.samples).toEqual(direct.waveform.samples);
  }
  expect(at).toBe(8);
});

it("takes one split, refuses an empty one, and stops when told", async () => {
  expect((await read(set, { split: "test" })).every(({ item }) => item.split === "test")).toBe(true);
  await expect(readShards(set, { split: "dev" })).rejects.toThrow("there are no clips of the split dev in it");
  await expect(read(set, { signal: AbortSignal.abort() })).rejects.toThrow("aborted");
});

it("knows the columns of somebody else's notes", () => {
  const notes = { id: "a", label: "dog", sampleRate: 16_000, times: [0.5], Speaker: "Ann", columns: { Age: 7 } };
  const read = readNotes("key", new TextEncoder().encode(JSON.stringify(notes)));
  expect(read).toMatchObject({ id: "a", labels: ["dog"], columns: { speaker: "Ann", age: "7" } });
});

it("knows the recording of a clip from its notes, where no index lies beside the tar", async () => {
  const notes = [
    { source: { path: "films/a.mp4", start: 0, end: 2 } },
    { source: { path: "films/b.mp4" } },
    { source: { path: "cuts/c1.mp4" }, columns: { recording: "c" } },
    { recording: "d", source: "the web" },
  ];
  const tar = packTar(
    notes.flatMap((note, n) => [
      { name: `${n}.wav`, data: new Uint8Array(9) },
      { name: `${n}.jpg`, data: new Uint8Array(9) },
      { name: `${n}.json`, data: new TextEncoder().encode(JSON.stringify({ id: `clip ${n}`, labels: [], ...note })) },
    ]),
  );
  const found = await scanShard(Readable.from([tar]), "some.tar");
  expect(found.map(({ recording }) => recording)).toEqual(["films/a.mp4", undefined, "c", "d"]);
});

it("clips of one recording are dealt together, and one that names its split keeps it", () => {
  const sample = (n: number, recording: string, split?: string) => ({
    ...{ key: `${n}`, offset: 0, bytes: 1, id: `clip ${n}`, labels: ["a"], recording },
    ...(split === undefined ? {} : { split }),
  });
  const films = Array.from({ length: 12 }, (_, n) => sample(n, `film ${n % 6}`));
  const named = [sample(12, "film x", "train"), sample(13, "film x", "test"), sample(14, "film x")];
  const shard = { source: {} as never, samples: [...films, ...named] };
  const [{ samples }] = chosenFrom([shard], { splitBy: { shares: [0.5, 0, 0.5], seed: 0 } }, () => undefined);
  const splits = samples.map(({ split }) => split);
  expect(splits.slice(0, 6)).toEqual(splits.slice(6, 12));
  expect(new Set(splits.slice(0, 6)).size).toBe(2);
  expect(splits.slice(12)).toEqual(["train", "test", "test"]);
});

it("reads the same from a web server", async () => {
  const server = createServer(async (request, response) => {
    const file = await readFile(join(set, request.url!)).catch(() => undefined);
    response.writeHead(file ? 200 : 404).end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as { port: number };
  const remote = await read(`http://localhost:${port}`);
  expect(remote.map(({ frames }) => frames.map(({ data }) => Buffer.from(data).toString("base64")))).toEqual(
    (await read(set)).map(({ frames }) => frames.map(({ data }) => Buffer.from(data).toString("base64"))),
  );
  await new Promise((resolve) => server.close(resolve));
});
