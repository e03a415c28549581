import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Frame, Waveform } from "@kdc-mae/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFluentDecoder } from "../media/ffmpeg.js";
import { createBatchDecoder, createPipesDecoder } from "../media/ffmpeg-pipes.js";
import { locateFfmpeg } from "../media/locate-ffmpeg.js";
import { runProcess } from "../media/run-process.js";
import type { MediaWindow, WindowsRequest } from "./media-window.js";
import { readWindows } from "./read-windows.js";

const packaged = (await locateFfmpeg({ env: {} })).path;
const system = await locateFfmpeg({ env: { PATH: process.env.PATH } });
const programs = [packaged, ...(system.source === "PATH" ? [system.path] : [])];
if (programs.length === 1) console.warn("no system ffmpeg: films are read with the packaged one alone");

let folder = "";
const at = (name: string) => join(folder, name);
const make = async (name: string, ...args: string[]) => {
  const { exitCode, log } = await runProcess(packaged, ["-v", "error", "-y", ...args, at(name)], {
    ...{ limits: [2 ** 20], timeoutMs: 60_000 },
  });
  if (exitCode !== 0) throw new Error(log);
};

/** Brightness of a picture rises by this much a second; the tone is 200 + 50 · ⌊t⌋ Hz. */
const rise = 6;
const pictures = (seconds: number) => [
  ...["-f", "lavfi", "-i"],
  `nullsrc=s=64x48:r=10:d=${seconds},format=yuv444p,geq=lum='(${rise}*T)*219/255+16':cb=128:cr=128`,
];
const tones = (seconds: number, rate = 16000) => [
  ...["-f", "lavfi", "-i", `aevalsrc='0.5*sin(2*PI*(200+50*floor(t))*t)':s=${rate}:d=${seconds}`],
];
const h264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-qp", "4", "-preset", "ultrafast", "-g", "30"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-film-"));
  await make("film.mp4", ...pictures(41), ...tones(41, 44100), ...h264, "-c:a", "aac");
  await Promise.all([
    ...["film.mkv", "film.ts"].map((name) => make(name, "-i", at("film.mp4"), "-c", "copy")),
    make("silent.mp4", "-i", at("film.mp4"), "-c:v", "copy", "-an"),
    make("sound.mp3", "-i", at("film.mp4"), "-vn"),
    make("sound.wav", "-i", at("film.mp4"), "-vn", "-c:a", "pcm_f32le"),
    make("sound.flac", "-i", at("film.mp4"), "-vn"),
    make("sound-ends.mp4", ...pictures(41), ...tones(15), ...h264, "-c:a", "aac"),
    make("pictures-end.mp4", ...pictures(15), ...tones(41), ...h264, "-c:a", "aac"),
    make("short.mp4", ...pictures(7.6), ...tones(7.6), ...h264, "-c:a", "aac"),
    make("late.mkv", ...pictures(41), "-itsoffset", "15", ...tones(26), ...h264, "-c:a", "aac"),
    make("still.png", "-i", at("film.mp4"), "-frames:v", "1"),
  ]);
  await writeFile(at("page.mp4"), "<html>gone</html>");
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

const brightness = ({ data }: Frame) => data.reduce((sum, value) => sum + value, 0) / data.length;
/** The loudest tone of a second of sound, Hz; 0 for silence. */
function toneAt({ samples, sampleRate }: Waveform, second: number): number {
  const part = samples.subarray((second + 0.45) * sampleRate, (second + 0.55) * sampleRate);
  if (part.reduce((sum, value) => sum + value * value, 0) < 0.1) return 0;
  const power = (hertz: number) => {
    let [a, b] = [0, 0];
    for (const [index, value] of part.entries()) {
      a += value * Math.cos((2 * Math.PI * hertz * index) / sampleRate);
      b += value * Math.sin((2 * Math.PI * hertz * index) / sampleRate);
    }
    return a * a + b * b;
  };
  return Array.from({ length: 45 }, (_, index) => 200 + 50 * index).reduce((best, hertz) =>
    power(hertz) > power(best) ? hertz : best,
  );
}
/** A window in words: its place, the tones of its first and last whole second, and what its pictures show in seconds. */
const inWords = ({ start, end, sound, frames }: MediaWindow) => ({
  ...{ start, end },
  ...(sound ? { tones: [toneAt(sound, 0), toneAt(sound, Math.round(sound.samples.length / 16000) - 1)] } : {}),
  ...(frames ? { shown: frames.map((frame) => Math.round((10 * brightness(frame)) / rise) / 10) } : {}),
});
const wanted: WindowsRequest = { window: 8, sampleRate: 16000, size: 32, pictures: 2 };
const tone = (second: number) => 200 + 50 * second;

it.each<[object, string]>([
  [{ size: 0 }, "windows: size is 0. Give a whole number of 1 or more"],
  [{ sampleRate: undefined }, "windows: sampleRate is undefined"],
])("windows of %o are refused, and no file is blamed for it", async (odd, message) => {
  // Nothing is started before it is refused.
  const decoder = createPipesDecoder("/no/such/ffmpeg");
  const windows = readWindows(decoder, at("film.mp4"), { ...wanted, ...odd })[Symbol.asyncIterator]();
  await expect(windows.next()).rejects.toThrow(message);
});

describe.each(programs)("windows through %s", { timeout: 120_000 }, (program) => {
  const decoder = createBatchDecoder(program, { processes: 2 });
  const all = async (name: string, more: Partial<WindowsRequest> = {}) => {
    const found: MediaWindow[] = [];
    for await (const window of readWindows(decoder, at(name), { ...wanted, ...more })) found.push(window);
    return found;
  };
  const whole = [0, 8, 16, 24, 32, 33].map((start) => ({
    ...{ start, end: start + 8, tones: [tone(start), tone(start + 7)], shown: [start + 2, start + 6] },
  }));
  const only = (...parts: ("start" | "end" | "tones" | "shown")[]) =>
    whole.map((window) => Object.fromEntries(parts.map((part) => [part, window[part]])));
  /** Brightness to a tenth of a second, which is a picture. */
  const near = (found: readonly MediaWindow[]) =>
    found.map(inWords).map(({ shown, ...rest }) => ({ ...rest, ...(shown ? { shown: shown.map(Math.round) } : {}) }));

  it.each(["film.mp4", "film.mkv", "film.ts"])("all of %s, the last one moved back", async (name) => {
    let length = 0;
    const found = await all(name, { onLength: (seconds) => (length = seconds) });
    expect(length).toBeCloseTo(41, 0);
    expect(
      near(found).map(({ start, end, ...rest }) => ({ start: Math.round(start), end: Math.round(end), ...rest })),
    ).toEqual(whole);
    for (const [place, { index, start, end, sound, frames }] of found.entries()) {
      expect([index, Math.round(sound!.samples.length / 1600), frames?.map(({ time }) => time)]).toEqual([
        place,
        80,
        [2, 6],
      ]);
      expect(end - start).toBeCloseTo(8, 9);
    }
  });

  it("overlapping ones, a part of them, with gaps, from some window on", async () => {
    const starts = async (more: Partial<WindowsRequest>) =>
      near(await all("film.mp4", more)).map(({ start, tones }) => [Math.round(start), tones![0]]);
    const every = (hop: number, count: number) => Array.from({ length: count }, (_, at) => [at * hop, tone(at * hop)]);
    expect(await starts({ hop: 4 })).toEqual([...every(4, 9), [33, tone(33)]]);
    expect(await starts({ hop: 16 })).toEqual(every(16, 3));
    expect(await starts({ skip: 4 })).toEqual([
      [32, tone(32)],
      [33, tone(33)],
    ]);
    expect(await starts({ skip: 6 })).toEqual([]);
    const part: MediaWindow[] = [];
    const item = { id: "part", path: at("film.mp4"), start: 3, end: 38, labels: [] };
    for await (const window of decoder.windows(item, wanted)) part.push(window);
    expect(near(part).map(({ start, tones, shown }) => [start, tones, shown])).toEqual(
      [3, 11, 19, 27, 30].map((start) => [start, [tone(start), tone(start + 7)], [start + 2, start + 6]]),
    );
  });

  it("of a silent film, of sound files, of a still", async () => {
    expect(near(await all("silent.mp4"))).toEqual(only("start", "end", "shown"));
    for (const name of ["sound.wav", "sound.flac", "sound.mp3"]) {
      const found = await all(name);
      expect([name, near(found).slice(0, 5)]).toEqual([name, only("start", "end", "tones").slice(0, 5)]);
      expect([name, found.length, Math.round(found[5].end)]).toEqual([name, 6, 41]);
    }
    const [still, ...none] = await all("still.png");
    expect([still, none]).toMatchObject([{ start: 0, end: 0, frames: [{ width: 32, height: 32 }] }, []]);
    expect(near(await all("film.mp4", { only: "sound" })).slice(0, 5)).toEqual(
      only("start", "end", "tones").slice(0, 5),
    );
    expect(near(await all("film.mp4", { only: "pictures" })).slice(0, 5)).toEqual(
      only("start", "end", "shown").slice(0, 5),
    );
  });

  it("what there is where one ends early or begins late", async () => {
    const reach = (found: readonly MediaWindow[]) =>
      found.map(({ start, sound, frames }) => [
        Math.round(start),
        sound ? Math.round(sound.samples.length / sound.sampleRate) : 0,
        frames?.length ?? 0,
      ]);
    expect(reach(await all("sound-ends.mp4"))).toEqual([
      [0, 8, 2],
      [8, 7, 2],
      [16, 0, 2],
      [24, 0, 2],
      [32, 0, 2],
      [33, 0, 2],
    ]);
    const ends = await all("pictures-end.mp4");
    expect(reach(ends).map(([, sound, shown]) => [sound, shown])).toEqual([
      [8, 2],
      [8, 2],
      [8, 0],
      [8, 0],
      [8, 0],
      [8, 0],
    ]);
    // Only its last picture is left for a window whose own come after it.
    const [, , standing] = await all("pictures-end.mp4", { window: 7, pictures: 1 });
    expect(near([standing])).toMatchObject([{ start: 14, shown: [15] }]);
    expect(reach(await all("late.mkv"))).toEqual([
      [0, 0, 2],
      [8, 8, 2],
      [16, 8, 2],
      [24, 8, 2],
      [32, 8, 2],
      [33, 8, 2],
    ]);
    expect(near(await all("late.mkv"))[2]).toMatchObject({ tones: [tone(1), tone(8)] });
    expect(near(await all("short.mp4"))).toMatchObject([{ start: 0, tones: [tone(0), tone(7)], shown: [2, 5] }]);
  });

  it("gives what a clip of the same time gives", async () => {
    for (const { start, end, sound, frames } of await all("film.mp4")) {
      const item = { id: "clip", path: at("film.mp4"), start, end, labels: [] };
      const clip = await decoder.decode(item, { sampleRate: 16000, size: 32, frames: { times: [2, 6] } });
      expect(frames?.map(({ data }) => data)).toEqual(clip.frames.map(({ data }) => data));
      // A filter hears past the cut where the film goes on: the first and last samples are others.
      const apart = sound!.samples.map((value, index) => Math.abs(value - clip.waveform.samples[index]));
      expect(apart.subarray(32, -32).reduce((most, value) => Math.max(most, value), 0)).toBeLessThan(1e-3);
    }
  });

  it("says what is wrong, and stops when it is told", async () => {
    await expect(all("page.mp4")).rejects.toMatchObject({ reason: "not-media" });
    await expect(all("none.mp4")).rejects.toMatchObject({ reason: "missing" });
    await expect(all("sound.wav", { only: "pictures" })).rejects.toMatchObject({ reason: "no-video" });
    await expect(all("silent.mp4", { only: "sound" })).rejects.toMatchObject({ reason: "no-audio" });
    await expect(all("film.mp4", { window: 0.005 })).rejects.toMatchObject({ reason: "option" });
    const stop = new AbortController();
    const windows = readWindows(decoder, at("film.mp4"), { ...wanted, signal: stop.signal });
    await windows.next();
    stop.abort();
    await expect(
      (async () => {
        for await (const _ of windows);
      })(),
    ).rejects.toMatchObject({ reason: "aborted" });
  });
});

it("every decoder has them", async () => {
  for (const decoder of [createPipesDecoder(packaged), createFluentDecoder(packaged)]) {
    for (const [name, count] of [
      ["film.mp4", 6],
      ["short.mp4", 1],
    ] as const) {
      let windows = 0;
      for await (const _ of decoder.windows({ id: name, path: at(name), labels: [] }, wanted)) windows++;
      expect([decoder.name, name, windows]).toEqual([decoder.name, name, count]);
    }
  }
}, 60_000);
