import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { createBatchDecoder, locateFfmpeg } from "@kdc-mae/data/node";
import { compiled } from "@kdc-mae/engine/node";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createFileEmbedder, type EmbeddedWindow } from "../embed/embed-files.js";
import { streamNames } from "../embed/stream-names.js";
import { classify } from "./classify-files.js";
import { randomClassifier, randomModel, redIsLoud } from "./known-model.test.support.js";
import { localize } from "./localize-files.js";
import { makeMedia } from "./made-film.test.support.js";
import { type StreamedWindow, type StreamMediaOptions, stream } from "./stream-media.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const packaged = (await locateFfmpeg({ env: {} })).path;
const system = await locateFfmpeg({ env: { PATH: process.env.PATH } });
const programs = [packaged, ...(system.source === "PATH" ? [system.path] : [])];
if (programs.length === 1) console.warn("no system ffmpeg: streams are read with the packaged one alone");

let folder = "";
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await makeMedia();
  const make = (...args: string[]) =>
    promisify((done: (error: Error | null) => void) =>
      spawn(packaged, ["-v", "error", "-y", "-i", at("film.mp4"), ...args]).on("close", () => done(null)),
    )();
  await make("-c", "copy", at("film.mkv"));
  await make(
    "-an",
    "-vf",
    "loop=loop=1:size=100,scale=320:180,noise=alls=90:allf=t",
    "-c:v",
    "mpeg4",
    "-q:v",
    "1",
    at("long.mp4"),
  );
  await make("-c:v", "mpeg2video", "-c:a", "mp2", at("film.ts"));
});
afterAll(() => rm(folder, { recursive: true }));

const follow = async (
  source: Parameters<typeof stream>[0],
  options: Partial<StreamMediaOptions> = {},
): Promise<StreamedWindow[]> => {
  const made: StreamedWindow[] = [];
  const told = await stream(source, {
    model: randomModel,
    hop: 0.96,
    onWindow: (one) => void made.push(one),
    ...options,
  });
  expect([told.windows, told.leftOut]).toEqual([made.length, 0]);
  return made;
};
const apart = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, place) => Math.max(most, Math.abs(value - b[place])), 0);
};

describe.each(programs)("stream through %s", (ffmpeg) => {
  const env = { FFMPEG_PATH: ffmpeg };
  /** Whole windows as `embed` gives them. */
  const offline = async (name: string): Promise<EmbeddedWindow[]> => {
    if (!("model" in randomModel)) throw new Error("it is one");
    const embedder = createFileEmbedder(randomModel.model, compiled(), createBatchDecoder(ffmpeg, { processes: 1 }));
    const windows: EmbeddedWindow[] = [];
    for await (const window of embedder.embedWindows(embedder.read(at(name)))) windows.push(window);
    await embedder.dispose();
    return windows;
  };

  it.each(["film.mp4", "film.mkv", "film.ts", "silent.mp4", "noise.wav"])(
    "gives of %s what embed gives, of the file and through a pipe",
    async (name) => {
      const all = await offline(name);
      const wanted = all.slice(0, -1);
      // What a pipe does not tell: where a transport stream's own times begin.
      const sources = [at(name), ...(/mp4|ts/.test(name) ? [] : [createReadStream(at(name))])];
      for (const source of sources) {
        const made = await follow(source, { env });
        // The last one is moved back so that it ends with the film.
        expect(made.length).toBe(all.length);
        // Sound may be some hundredths longer than its container says.
        expect(Math.abs(made.at(-1)!.end - all.at(-1)!.end)).toBeLessThan(name === "silent.mp4" ? 1e-6 : 0.05);
        for (const [index, { start, ...vectors }] of wanted.entries()) {
          expect([made[index].index, Math.round(100 * (made[index].start - start))]).toEqual([index, 0]);
          for (const stream of streamNames) {
            if (vectors[stream] === undefined) expect(made[index][stream]).toBeUndefined();
            else expect(apart(made[index][stream]!, vectors[stream]), `${stream} of ${index}`).toBeLessThan(1e-4);
          }
        }
      }
    },
  );

  it("gives the labels of classify and the heat of localize", async () => {
    const model = randomClassifier();
    const labelled = await follow(at("film.mp4"), { model, env, count: 2 });
    const [{ windows }] = (await classify([at("film.mp4")], { model, env, count: 2 })).files;
    for (const [index, { labels }] of labelled.slice(0, -1).entries()) {
      expect(labels!.map(({ label }) => label)).toEqual(windows[index].labels.map(({ label }) => label));
      const [own, other] = [labels!, windows[index].labels].map((all) => all.map(({ probability }) => probability));
      expect(apart(own, other)).toBeLessThan(1e-4);
    }
    const hot = await follow(at("film.mp4"), { model: redIsLoud(), env, heat: true });
    const [{ steps }] = (await localize([at("film.mp4")], { model: redIsLoud(), env, every: 0.96 })).files;
    expect(hot[0].hottest).toMatchObject({ row: 0, column: 0 });
    for (const [index, { hottest, picture }] of hot.slice(0, -1).entries()) {
      expect(picture).toBeCloseTo(steps[index].time, 2);
      expect(hottest!.cosine).toBeCloseTo(steps[index].confidence, 4);
    }
  });

  it("says what cannot be followed, and stops when it is told", async () => {
    await expect(follow(at("text.mp4"), { env })).rejects.toMatchObject({ reason: "not-media" });
    await expect(follow(createReadStream(at("text.mp4")), { env })).rejects.toMatchObject({ reason: "not-media" });
    await expect(follow(at("nothing.mp4"), { env })).rejects.toMatchObject({ reason: "missing" });
    await expect(follow(createReadStream(at("long.mp4")), { env })).rejects.toThrow(
      "standard input: ffmpeg could not decode it (its index comes at its end: fragment it, or give the file)",
    );
    await expect(follow(at("noise.wav"), { env, only: "pictures" })).rejects.toMatchObject({ reason: "no-video" });
    await expect(follow(at("film.mp4"), { env, count: 2 })).rejects.toThrow(
      "the model is pretrained and has no classes",
    );
    const stopping = new AbortController();
    const onWindow = () => stopping.abort();
    const stopped = stream(at("film.mp4"), {
      model: randomModel,
      hop: 0.1,
      env,
      signal: stopping.signal,
      onWindow,
      paced: true,
    });
    await expect(stopped).rejects.toMatchObject({ reason: "aborted" });
  });
});

it("follows one that goes on for ever, until it is told to stop: a pipe from another program", async () => {
  const sender = spawn(packaged, [
    ...["-v", "error", "-f", "lavfi", "-i", "anoisesrc=r=16000", "-f", "lavfi", "-i", "testsrc=s=96x64:r=10"],
    ...["-c:v", "mpeg2video", "-c:a", "mp2", "-f", "mpegts", "-"],
  ]);
  const stopping = new AbortController();
  let told = 0;
  const onWindow = () => {
    told += 1;
    if (told === 40) stopping.abort();
  };
  const following = stream(sender.stdout, { model: randomModel, hop: 0.5, signal: stopping.signal, onWindow });
  await expect(following).rejects.toMatchObject({ reason: "aborted" });
  expect(told).toBeGreaterThanOrEqual(40);
  sender.kill();
});
