import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clip, ClipItem } from "@kdc-mae/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeAll } from "../dataset/decode-all.js";
import { fit } from "../visual/fit.js";
import { createFluentDecoder } from "./ffmpeg.js";
import { createBatchDecoder, createPipesDecoder } from "./ffmpeg-pipes.js";
import { locateFfmpeg } from "./locate-ffmpeg.js";
import { runProcess } from "./run-process.js";

const ffmpeg = (await locateFfmpeg({ env: process.env })).path;
const decoders = [
  createPipesDecoder(ffmpeg),
  createBatchDecoder(ffmpeg, { processes: 2 }),
  createFluentDecoder(ffmpeg),
];
const item = (path: string, more: Partial<ClipItem> = {}): ClipItem => ({ id: "clip", path, labels: [], ...more });

let folder = "";
const at = (name: string) => join(folder, name);
const make = async (name: string, ...args: string[]) => {
  const all = ["-v", "error", "-y", ...args, at(name)];
  const { exitCode, log } = await runProcess(ffmpeg, all, { limits: [0], timeoutMs: 30_000 });
  if (exitCode !== 0) throw new Error(log);
};
/** Picture number n of 25 per second is grey with luma 16 + 4n; the left channel sounds, the right is silent. */
const picture = ["-f", "lavfi", "-i", "nullsrc=s=94x62:r=25:d=2,geq=lum='16+4*N':cb=128:cr=128"];
const sound = ["-f", "lavfi", "-i", "aevalsrc='0.5*sin(2*PI*500*t)|0':s=22050:d=2"];
const h264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-qp", "1"];
const awkward = "-a clip, 'quoted' \"twice\": 100%d.mp4";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-media-"));
  await make("good.mp4", ...picture, ...sound, ...h264);
  await writeFile(at(awkward), await readFile(at("good.mp4")));
  await make(
    "waves.mp4",
    "-f",
    "lavfi",
    "-i",
    "nullsrc=s=120x90:d=0.2,geq=lum='125+100*sin(X/9+1)*cos(Y/7)':cb=128:cr=128",
    ...sound,
    ...h264,
    "-t",
    "0.2",
  );
  await make(
    "surround.mkv",
    ...picture,
    "-f",
    "lavfi",
    "-i",
    "aevalsrc='0.6*sin(2*PI*500*t)|0|0|0|0|0':s=16000:d=2:c=5.1",
    "-c:a",
    "pcm_s16le",
  );
  await make("silent-film.mp4", ...picture, ...h264);
  await make("song.m4a", ...sound);
  await make("start-first.mp4", ...picture, ...sound, ...h264, "-movflags", "+faststart");
  const [last, first] = [await readFile(at("good.mp4")), await readFile(at("start-first.mp4"))];
  await writeFile(at("index-lost.mp4"), last.subarray(0, last.length / 2));
  await writeFile(at("end-lost.mp4"), first.subarray(0, first.length - 3000));
  await writeFile(at("text.mp4"), "<html>Video unavailable</html>\n".repeat(50));
  await writeFile(at("playlist.mp4"), `ffconcat version 1.0\nfile '${at("good.mp4")}'\n`);
  await writeFile(at("empty.mp4"), "");
  await mkdir(at("folder.mp4"));
});
afterAll(() => rm(folder, { recursive: true }));

const grey = (clip: Clip) => clip.frames.map(({ data }) => data.reduce((sum, value) => sum + value, 0) / data.length);
const loudest = (clip: Clip) => clip.waveform.samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const lumaOf = (n: number) => (4 * n * 255) / 219;

describe.each(decoders)("$name", (decoder) => {
  const request = { sampleRate: 16000, frames: { times: [1, 0.19, 0.2, 1, 7] } };

  it("says what a file holds", async () => {
    expect(await decoder.probe(at("good.mp4"))).toMatchObject({
      format: expect.stringContaining("mp4"),
      audio: { track: 0, codec: "aac", sampleRate: 22050 },
      video: { track: 0, codec: "h264", width: 94, height: 62 },
    });
  });

  it("gives the mean of the channels, and the picture shown at each time, in the order asked for", async () => {
    const clip = await decoder.decode(item(at("good.mp4")), request);
    expect(clip.waveform.sampleRate).toBe(16000);
    expect(Math.abs(clip.waveform.samples.length / 16000 - 2)).toBeLessThan(0.1);
    expect(loudest(clip)).toBeGreaterThan(0.22);
    expect(loudest(clip)).toBeLessThan(0.32);
    expect(clip.frames.map(({ time, width, height }) => [time, width, height])).toEqual(
      request.frames.times.map((time) => [time, 94, 62]),
    );
    const shown = grey(clip);
    for (const [index, n] of [25, 4, 5, 25].entries()) expect(Math.abs(shown[index] - lumaOf(n))).toBeLessThan(2);
  });

  it("averages surround channels with equal weights", async () => {
    const clip = await decoder.decode(item(at("surround.mkv")), request);
    expect(loudest(clip)).toBeCloseTo(0.1, 2);
  });

  it("reads only the part between start and end, with times counted from the start", async () => {
    const clip = await decoder.decode(item(at("good.mp4"), { start: 1, end: 1.6 }), {
      sampleRate: 8000,
      frames: { count: 3, limit: 10 },
      size: 31,
    });
    expect(Math.abs(clip.waveform.samples.length - 4800)).toBeLessThan(40);
    expect(clip.frames.map(({ time }) => time)).toEqual([0, 0.2, 0.4].map((time) => expect.closeTo(time, 6)));
    for (const [index, n] of [25, 30, 35].entries()) expect(Math.abs(grey(clip)[index] - lumaOf(n))).toBeLessThan(3);
    expect(clip.frames[0].data.length).toBe(31 * 31 * 3);
  });

  it("scales and cuts as `fit` does", async () => {
    const frames = { times: [0] };
    const [whole, square] = await Promise.all(
      [undefined, 45].map((size) => decoder.decode(item(at("waves.mp4")), { sampleRate: 16000, frames, size })),
    );
    const wanted = fit(whole.frames[0], 45).data;
    const difference = square.frames[0].data.reduce((sum, value, index) => sum + Math.abs(value - wanted[index]), 0);
    expect(difference / wanted.length).toBeLessThan(1.5);
  });

  it("opens a file whatever its name", async () => {
    expect((await decoder.decode(item(at(awkward)), request)).frames).toHaveLength(5);
  });

  it.each([
    ["nowhere.mp4", "missing", "there is no such file. Check the path, or fetch the file again"],
    ["folder.mp4", "unreadable", "the file cannot be read (it is not a plain file)"],
    ["empty.mp4", "zero-length", "it has no duration (the file is empty). Leave it out, or fetch the file again"],
    ["text.mp4", "not-media", "it is not a media file that ffmpeg knows. Check what it holds"],
    ["playlist.mp4", "not-media", "it is not a media file that ffmpeg knows. Check what it holds"],
    ["silent-film.mp4", "no-audio", "it has no audio track. Leave it out, or take a version with sound"],
    ["song.m4a", "no-video", "it has no video track. Leave it out, or take a version with pictures"],
    ["index-lost.mp4", "truncated", "it is cut short (its index is missing or broken off)"],
    ["end-lost.mp4", "truncated", "it is cut short (it ends before the sound and pictures that its index promises)"],
  ])("refuses %s: %s", async (name, reason, message) => {
    const error = await decoder.decode(item(at(name)), request).catch((thrown) => thrown);
    expect(error).toMatchObject({ where: at(name), reason });
    expect(error.message).toContain(`${at(name)}: ${message}`);
  });

  it("refuses a part that lies outside", async () => {
    const decode = (more: Partial<ClipItem>, frames = request.frames) =>
      decoder.decode(item(at("good.mp4"), more), { ...request, frames });
    await expect(decode({ start: 2, end: 1 })).rejects.toThrow("it has no duration (it was to be read from 2 to 1 s)");
    await expect(decode({ start: 100 })).rejects.toMatchObject({ reason: "zero-length" });
    await expect(decode({ start: 3, end: 4 })).rejects.toMatchObject({ reason: "zero-length" });
  });

  it("stops when told to, saying so", async () => {
    const decode = (signal: AbortSignal) => decoder.decode(item(at("good.mp4")), { ...request, signal });
    await expect(decode(AbortSignal.abort())).rejects.toMatchObject({ reason: "aborted" });
  });
});

describe("limits", () => {
  it.each([createPipesDecoder, createFluentDecoder])("stop %o", async (create) => {
    const decode = (options: Parameters<typeof create>[1], size?: number) =>
      create(ffmpeg, options).decode(item(at("good.mp4")), { sampleRate: 16000, frames: { times: [0, 1] }, size });
    await expect(decode({ timeoutMs: 1 })).rejects.toThrow(
      "ffmpeg did not finish in time (1 ms). Raise the time limit",
    );
    await expect(decode({ maxBytes: 94 * 62 * 3 })).rejects.toThrow("it decodes to more than the limit");
  });
});

it.each([createPipesDecoder, createFluentDecoder])(
  "a program that is not there is no fault of the file: %o",
  async (create) => {
    const work = create(at("no-ffmpeg")).decode(item(at("good.mp4")), { sampleRate: 16000, frames: { times: [0] } });
    await expect(work).rejects.toMatchObject({ reason: "no-ffmpeg", where: at("no-ffmpeg") });
  },
);

it("a run over good and bad files goes on, and counts what it left out", async () => {
  const names = ["good.mp4", "silent-film.mp4", "text.mp4", "waves.mp4", "empty.mp4", "playlist.mp4", "nowhere.mp4"];
  const set = await decodeAll(
    names.map((name) => item(at(name), { id: name })),
    {
      ...{ decoder: decoders[0], concurrency: 2, keep: (clip) => clip.item.id },
      request: { sampleRate: 16000, frames: { count: 2, limit: 10 }, size: 29 },
    },
  );
  expect(set.kept).toEqual(["good.mp4", "waves.mp4"]);
  expect(set.reasons).toEqual({ "no-audio": 1, "not-media": 2, "zero-length": 1, missing: 1 });
});

it("all decoders give the same bytes", async () => {
  const request = { sampleRate: 16000, frames: { count: 7, limit: 10 }, size: 37 };
  const [pipes, batches, fluent] = await Promise.all(
    decoders.map((decoder) => decoder.decode(item(at("good.mp4")), request)),
  );
  expect(batches).toEqual(pipes);
  expect(fluent).toEqual(pipes);
});
