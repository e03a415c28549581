import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clip, type ClipItem, type Frame, isKdcError, type Waveform } from "@kdc-mae/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeContractFilms, rise } from "./contract-films.test.support.js";
import type { MediaDecoder } from "./decoder.js";
import { createFluentDecoder } from "./ffmpeg.js";
import { createBatchDecoder, createPipesDecoder } from "./ffmpeg-pipes.js";
import { locateFfmpeg } from "./locate-ffmpeg.js";

/** Every ffmpeg at hand: the packaged one of 2018, and the system's. */
const packaged = (await locateFfmpeg({ env: {} })).path;
const system = await locateFfmpeg({ env: { PATH: process.env.PATH } });
const programs = [packaged, ...(system.source === "PATH" ? [system.path] : [])];
if (programs.length === 1) console.warn("no system ffmpeg: the contract is tested with the packaged one alone");

const decoders = programs.flatMap((path, index): [string, MediaDecoder][] =>
  [createPipesDecoder(path), createBatchDecoder(path, { processes: 2 }), createFluentDecoder(path)].map((decoder) => [
    `${decoder.name} with ${index === 0 ? "the packaged ffmpeg" : `ffmpeg ${system.version}`}`,
    decoder,
  ]),
);

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-contract-"));
  await makeContractFilms(folder);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

const rate = 16000;
const brightness = ({ data }: Frame) => data.reduce((sum, value) => sum + value, 0) / data.length;
const halves = ({ width, height, data }: Frame) => {
  const mean = (x0: number, y0: number, x1: number, y1: number) => {
    let sum = 0;
    for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) sum += data[(y * width + x) * 3];
    return Math.round(sum / ((x1 - x0) * (y1 - y0)) / 100) * 100;
  };
  const [w, h] = [width >> 1, height >> 1];
  return { left: mean(0, 0, w, height), right: mean(w, 0, width, height), top: mean(0, 0, width, h) };
};

/** The loudest of the tones in the quarter of a second around a time, Hz; 0 for silence. */
function toneAt({ samples }: Waveform, time: number): number {
  const part = samples.subarray(Math.round((time - 0.125) * rate), Math.round((time + 0.125) * rate));
  if (part.reduce((sum, value) => sum + value * value, 0) < 1) return 0;
  const power = (hertz: number) => {
    let [a, b] = [0, 0];
    for (const [index, value] of part.entries()) {
      a += value * Math.cos((2 * Math.PI * hertz * index) / rate);
      b += value * Math.sin((2 * Math.PI * hertz * index) / rate);
    }
    return a * a + b * b;
  };
  const tones = Array.from({ length: 12 }, (_, index) => 200 + 100 * index);
  return tones.reduce((best, hertz) => (power(hertz) > power(best) ? hertz : best));
}

type Row = {
  readonly file: string;
  readonly item?: Partial<ClipItem>;
  /** Brightness of the pictures at times, in seconds of the film's own clock: what they show. */
  readonly shows?: readonly (readonly [time: number, shown: number])[];
  readonly sounds?: readonly (readonly [time: number, hertz: number])[];
  readonly seconds?: number;
  readonly original?: Clip["original"];
  readonly white?: Partial<ReturnType<typeof halves>>;
  readonly size?: number;
};

const even = { shows: [0.05, 2.55, 5.05].map((time) => [time, time] as const), seconds: 6 };
const straight = { sounds: [0.5, 2.5, 5.5].map((time) => [time, 200 + 100 * Math.floor(time)] as const), ...even };
const rows: readonly Row[] = [
  ...["plain.mp4", "plain.mkv", "plain.mov", "plain.ts"].map((file) => ({ file, ...straight })),
  {
    file: "plain.mp4",
    item: { start: 2.2, end: 4.7 },
    shows: [
      [0.05, 2.25],
      [2.35, 4.55],
    ],
    sounds: [
      [0.5, 400],
      [2.2, 600],
    ],
    seconds: 2.5,
  },
  {
    file: "plain.ts",
    item: { start: 2.2, end: 4.7 },
    shows: [
      [0.05, 2.25],
      [2.35, 4.55],
    ],
    sounds: [
      [0.5, 400],
      [2.2, 600],
    ],
    seconds: 2.5,
  },
  {
    file: "late-sound.mp4",
    shows: even.shows,
    sounds: [
      [1, 0],
      [2.5, 200],
      [5.5, 500],
    ],
    seconds: 6,
  },
  {
    file: "late-pictures.mkv",
    shows: [
      [0, 0],
      [1, 0],
      [3.2, 1.15],
    ],
    sounds: [
      [0.5, 200],
      [5.5, 700],
    ],
    seconds: 6,
  },
  { file: "grows.ts", ...straight },
  { file: "begins-again.ts", ...straight },
  { file: "turns-stereo.ts", ...straight },
  {
    file: "rgb24.mov",
    shows: [
      [0.05, 0],
      [2.55, 2.5],
    ],
    sounds: [[2.5, 400]],
    size: 32,
  },
  ...["slow.mp4", "slow.ts"].map((file) => ({
    ...{ file, item: { start: 3, end: 5 }, sounds: [[0.5, 500]] as const },
    shows: [
      [0, 2],
      [0.9, 2],
      [1.1, 4],
    ] as const,
  })),
  { file: "wide.mp4", shows: [[1.05, 1.05]], original: { width: 128, height: 48 } },
  { file: "turned.mp4", original: { width: 48, height: 64 }, white: { left: 100, right: 100, top: 300 } },
  { file: "mirrored.mp4", original: { width: 64, height: 48 }, white: { left: 0, right: 300 } },
  { file: "turned.mkv", original: { width: 256, height: 272 }, white: { left: 100, right: 100, top: 0 } },
  { file: "partial file/title.mp4", shows: [[1.05, 1.05]], sounds: [[1.5, 300]] },
  {
    file: "short-pictures.mp4",
    shows: [
      [2.55, 2.55],
      [3.5, 2.9],
      [5, 2.9],
    ],
    sounds: [[5.5, 700]],
    seconds: 6,
  },
  { file: "short-pictures.mp4", item: { start: 2, end: 4 }, shows: [[1.5, 2.9]], sounds: [[1.5, 500]], seconds: 2 },
  { file: "short-sound.mp4", shows: even.shows, sounds: [[2.5, 400]] },
  {
    file: "single.mp4",
    shows: [
      [0, 3],
      [5, 3],
    ],
    sounds: [[5.5, 700]],
    seconds: 6,
  },
  { file: "no-duration.webm", ...straight },
  {
    file: "two-sounds.mkv",
    shows: [[1.05, 1.05]],
    sounds: [
      [0.5, 800],
      [1.5, 900],
    ],
  },
  { file: "still-first.mkv", shows: [[1.05, 1.05]], sounds: [[0.5, 200]] },
  {
    file: "gap.mkv",
    shows: even.shows,
    sounds: [
      [1.5, 300],
      [3, 0],
      [5.5, 700],
    ],
    seconds: 6,
  },
];

const refusals: readonly (readonly [file: string, item: Partial<ClipItem>, reason: string])[] = [
  ["short-pictures.mp4", { start: 4, end: 6 }, "too-short"],
  ["single.mp4", { start: 2, end: 4 }, "too-short"],
  ["short-sound.mp4", { start: 4, end: 6 }, "too-short"],
  ["cover.m4a", {}, "no-video"],
  ["not-finite.wav", {}, "no-video"],
  ["still.heic", {}, "not-media"],
];

const item = (file: string, more: Partial<ClipItem> = {}): ClipItem => ({
  ...{ id: file, path: join(folder, file), labels: [] },
  ...more,
});

describe.each(decoders)("%s", (_, decoder) => {
  it("shows and sounds what a player does", { timeout: 120_000 }, async () => {
    const found = await Promise.all(
      rows.map(async ({ file, item: part, shows = [[0, 0]], size }) => {
        const frames = { times: shows.map(([time]) => time) };
        return decoder.decode(item(file, part), { sampleRate: rate, frames, size }).catch((error: Error) => error);
      }),
    );
    const wrong: string[] = [];
    for (const [index, { file, item: part, shows, sounds = [], seconds, original, white }] of rows.entries()) {
      const clip = found[index];
      const say = (text: string) => wrong.push(`${file} ${JSON.stringify(part ?? {})}: ${text}`);
      if (clip instanceof Error) {
        say(clip.message);
        continue;
      }
      for (const [at, [time, shown]] of (shows ?? []).entries()) {
        // A picture stands for a tenth of a second, so its brightness is up to 4 lower.
        const off = brightness(clip.frames[at]) - rise * shown;
        if (!(off > -rise / 10 - 3 && off < 3)) say(`the picture at ${time} s is ${off} off`);
      }
      for (const [time, hertz] of sounds) {
        const heard = toneAt(clip.waveform, time);
        if (heard !== hertz) say(`the tone at ${time} s is ${heard} Hz for ${hertz}`);
      }
      const length = clip.waveform.samples.length / rate;
      if (
        seconds !== undefined &&
        !(Math.abs((clip.seconds ?? 0) - seconds) < 0.2 && Math.abs(length - seconds) < 0.2)
      ) {
        say(`it has ${clip.seconds} s, ${length} s of sound, for ${seconds}`);
      }
      if (original && JSON.stringify(clip.original) !== JSON.stringify(original)) {
        say(`it is ${JSON.stringify(clip.original)}`);
      }
      if (white) {
        const { width, height } = clip.frames[0];
        const seen = halves(clip.frames[0]);
        const same = Object.entries(white).every(([side, value]) => seen[side as keyof typeof seen] === value);
        if (!same || width !== original?.width || height !== original?.height) {
          say(`it is turned otherwise: ${JSON.stringify({ ...seen, width, height })}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it("gives equal samples for one clip in two containers, to the container's own tick", {
    timeout: 60_000,
  }, async () => {
    const request = { sampleRate: rate, frames: { count: 4, limit: 10 }, size: 32 };
    const [first, ...others] = await Promise.all(
      ["plain.mp4", "plain.mov", "plain.mkv", "plain.ts"].map((file) => decoder.decode(item(file), request)),
    );
    for (const [index, other] of others.entries()) {
      const name = ["mov", "mkv", "ts"][index];
      expect(other.frames.map(brightness), name).toEqual(first.frames.map(brightness));
      const [a, b] = [first.waveform.samples, other.waveform.samples];
      // A millisecond of Matroska is sixteen samples.
      const best = Array.from({ length: 33 }, (_unused, at) => at - 16).reduce((least, shift) => {
        let sum = 0;
        for (let at = 1000; at < 90_000; at++) sum += Math.abs(a[at] - b[at + shift]);
        return Math.min(least, sum / 89_000);
      }, 1);
      expect(best, name).toBeLessThan(name === "mov" ? 1e-9 : 0.01);
    }
  });

  it("refuses, with the reason, what has no sound, no picture or no place in the film", {
    timeout: 60_000,
  }, async () => {
    const request = { sampleRate: rate, frames: { times: [0] }, size: 32 };
    const reasons = await Promise.all(
      refusals.map(([file, part]) =>
        decoder.decode(item(file, part), request).then(
          () => "decoded",
          (error) => (isKdcError(error) ? error.reason : String(error)),
        ),
      ),
    );
    expect(reasons).toEqual(refusals.map(([, , reason]) => reason));
    const sound = (file: string) => decoder.decodeSound(item(file), { sampleRate: rate });
    await expect(sound("not-finite.wav")).rejects.toMatchObject({ reason: "bad-wav" });
    const remedy = "Save it as JPEG, PNG or WebP";
    await expect(decoder.probe(item("still.heic").path)).rejects.toMatchObject({ reason: "not-media", remedy });
    expect((await sound("plain.wav")).samples.slice(50, 60)).toEqual(new Float32Array(10).fill(0.25));
    for (const kind of ["ac3", "eac3", "wv"]) expect(toneAt(await sound(`sound.${kind}`), 1.5)).toBe(300);
    const [picture] = await decoder.decodePictures(item("short-pictures.mp4"), { times: [4] });
    expect(Math.abs(brightness(picture) - 2.9 * rise)).toBeLessThan(4);
  });
});
