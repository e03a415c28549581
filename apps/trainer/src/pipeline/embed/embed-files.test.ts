import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { audioGrid, createRng, visualGrid } from "@kdc-mae/core";
import { createBatchDecoder, locateFfmpeg } from "@kdc-mae/data/node";
import { compiled } from "@kdc-mae/engine/node";
import { initModel, presets } from "@kdc-mae/model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFileEmbedder, type EmbeddedWindow, type FileWindows } from "./embed-files.js";
import { streamNames } from "./stream-names.js";

/** Windows of 7.68 s. */
const config = {
  ...presets.tiny,
  ...{ audio: audioGrid(768, 32, 16), visual: visualGrid(48, 16), embedDim: 24, heads: 4, modalityDepth: 1 },
};
const model = { config, params: initModel(config, createRng(2)), statistics: { mean: -6, std: 4 } };
const { path: ffmpeg } = await locateFfmpeg({ env: process.env });
const embedder = createFileEmbedder(model, compiled(), createBatchDecoder(ffmpeg, { processes: 2 }), { batch: 3 });

let folder = "";
const at = (name: string) => join(folder, name);
const make = (name: string, ...args: string[]) => {
  const { status, stderr } = spawnSync(ffmpeg, ["-v", "error", "-y", ...args, at(name)]);
  if (status !== 0) throw new Error(String(stderr));
};
const windowsOf = async (name: string, options?: FileWindows) => {
  const found: EmbeddedWindow[] = [];
  for await (const window of embedder.embedWindows(embedder.read(at(name), options))) found.push(window);
  return found;
};
const cosine = (a: Float32Array, b: Float32Array) => {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-embed-"));
  const sound = ["-f", "lavfi", "-i", "aevalsrc='0.4*sin(2*PI*(300+40*t)*t)*(1+sin(7*t))/2':s=44100:d=34"];
  const film = ["-f", "lavfi", "-i", "testsrc=s=96x64:r=25:d=34", ...sound];
  make("film.mp4", ...film, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast", "-c:a", "aac");
  make("film.mkv", "-i", at("film.mp4"), "-c", "copy");
  make("film.ts", "-i", at("film.mp4"), "-c", "copy");
  make("sound.wav", "-i", at("film.mp4"), "-vn");
  make("silent.mp4", "-i", at("film.mp4"), "-an", "-c", "copy");
}, 60_000);
afterAll(async () => {
  await embedder.dispose();
  await rm(folder, { recursive: true });
});

describe("createFileEmbedder", { timeout: 240_000 }, () => {
  // The cut is decoded and written without loss, in floating point where the film's sound is not in whole numbers: in near
  // silence one step of 16 bits is a large part. Matroska and MPEG-TS are cut where their rounded times say.
  it.each([
    ["film.mp4", "pcm_f32le", 0.99999],
    ["film.mkv", "pcm_f32le", 0.9995],
    ["film.ts", "pcm_f32le", 0.9995],
    ["sound.wav", "pcm_s16le", 0.99999],
    ["silent.mp4", "pcm_s16le", 0.99999],
  ])("a window of %s has the vectors of a file that holds only that window", async (name, sound, least) => {
    const windows = await windowsOf(name);
    expect(windows.map(({ index, start }) => [index, Math.round(start)])).toEqual([
      [0, 0],
      [1, 8],
      [2, 15],
      [3, 23],
      [4, 26],
    ]);
    for (const { start, end, index, ...vectors } of windows) {
      const cut = ["-i", at(name), "-ss", String(start), "-t", String(end - start)];
      make("cut.mkv", ...cut, "-c:v", "ffv1", "-c:a", sound);
      const [only, ...more] = await windowsOf("cut.mkv");
      expect([index, more, Object.keys(vectors)]).toEqual([index, [], Object.keys(vectors)]);
      for (const stream of streamNames) {
        if (vectors[stream] === undefined) expect(only[stream]).toBeUndefined();
        else expect(cosine(vectors[stream], only[stream]!), `${stream} of window ${index}`).toBeGreaterThan(least);
      }
    }
  });

  it("a file is the mean of its windows, of each stream those that have it", async () => {
    const windows = await windowsOf("film.mp4");
    const whole = await embedder.embed(at("film.mp4"));
    expect(whole).toMatchObject({ windows: 5, of: { audio: 5, visual: 5, joint: 5 }, leftOut: 0 });
    for (const stream of streamNames) {
      const mean = windows[0][stream]!.map((_, d) => windows.reduce((sum, one) => sum + one[stream]![d], 0) / 5);
      expect(whole[stream]!.every((value, d) => Math.abs(value - mean[d]) < 1e-6)).toBe(true);
    }
    const silent = await embedder.embed(at("silent.mp4"));
    expect([silent.of, Object.keys(silent).includes("audio")]).toEqual([{ audio: 0, visual: 5, joint: 0 }, false]);
  });

  it("takes windows and hops that are asked for, and refuses ones longer than the model hears", async () => {
    const windows = await windowsOf("film.mp4", { window: 4, hop: 10 });
    expect(windows.map(({ start, end }) => [start, end])).toEqual([0, 10, 20, 30].map((start) => [start, start + 4]));
    await expect(windowsOf("film.mp4", { window: 8 })).rejects.toThrow(
      "windows of 8 s are longer than what the model hears at a time, 7.68 s",
    );
  });
});
