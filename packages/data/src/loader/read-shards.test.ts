import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clip } from "@kdc-mae/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openManifest } from "../manifest/read-manifest.js";
import { createPipesDecoder } from "../media/ffmpeg-pipes.js";
import { locateFfmpeg } from "../media/locate-ffmpeg.js";
import { prepare } from "../prepare/prepare.js";
import { readNotes } from "../shards/sample-notes.js";
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
