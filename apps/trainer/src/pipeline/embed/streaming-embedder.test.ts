import { audioGrid, createRng, visualGrid, type Waveform } from "@kdc-mae/core";
import { resample, windowsOf } from "@kdc-mae/data";
import { eager } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { compiled as compiledWeb } from "@kdc-mae/engine/web";
import { initClassifier, initModel, presets } from "@kdc-mae/model";
import { describe, expect, it } from "vitest";
import { tinyWith } from "../finetune/made-clips.test.support.js";
import { createEmbedder, type Vectors } from "./embedder.js";
import { createStreamingEmbedder, type StreamMoment, type StreamPart } from "./streaming-embedder.js";

const config = {
  ...presets.tiny,
  ...{ audio: audioGrid(96, 32, 16), visual: visualGrid(48, 16), embedDim: 24, heads: 4, modalityDepth: 1 },
};
const statistics = { mean: -6, std: 4 };
const model = { config, params: initModel(config, createRng(2)), statistics };
const rng = createRng("streaming");

/** 3.35 s: a sweep off centre, and a picture every 0.07 s. */
const sound = (sampleRate = 16_000): Waveform => ({
  sampleRate,
  samples: Float32Array.from({ length: Math.round(3.35 * sampleRate) }, (_, n) => {
    const t = n / sampleRate;
    return 0.02 + 0.3 * Math.sin(2 * Math.PI * (300 + 200 * t) * t) + 0.01 * rng.normal();
  }),
});
const pictures = Array.from({ length: 48 }, (_, at) => ({
  ...{ width: 70, height: 54, time: 0.07 * at },
  data: Uint8Array.from({ length: 70 * 54 * 3 }, () => rng.integer(256)),
}));

/** A recording as it comes: parts of odd lengths in the order of time. */
function* asItComes(parts: { sound?: Waveform; frames?: typeof pictures }): Generator<StreamPart> {
  const { sound: all, frames = [] } = parts;
  let shown = 0;
  for (let at = 0, index = 0; all && at < all.samples.length; index++) {
    const size = 1 + ((index * 997) % 4001);
    at += size;
    yield { sound: { ...all, samples: all.samples.slice(at - size, at) } };
    while (frames[shown]?.time < at / all.sampleRate) yield { frames: [frames[shown++]] };
  }
  for (; shown < frames.length; shown++) yield { frames: [frames[shown]] };
}

const all = async (
  parts: Iterable<StreamPart>,
  options: Partial<Parameters<typeof createStreamingEmbedder>[1]> = {},
) => {
  const stream = createStreamingEmbedder(model, { execute: compiled(), hop: 0.4, ...options });
  const made: StreamMoment[] = [];
  for await (const moment of stream.over(parts)) made.push(moment);
  await stream.dispose();
  return made;
};
const apart = (a: Vectors, b: Vectors) => {
  const streams = (["audio", "visual", "joint"] as const).filter((name) => a[name] ?? b[name]);
  return Math.max(...streams.flatMap((name) => [...a[name]!].map((value, at) => Math.abs(value - b[name]![at]))));
};
const offline = async (
  recording: { sound?: Waveform; frames?: typeof pictures },
  choice = { window: 0.96, hop: 0.4 },
) => {
  const embedder = createEmbedder(model, { execute: compiled() });
  const made = [];
  for await (const { input, vectors } of embedder.embedAll(windowsOf(recording, choice)))
    made.push({ ...input, ...vectors });
  await embedder.dispose();
  return made;
};

describe("createStreamingEmbedder", { timeout: 120_000 }, () => {
  it.each([16_000, 44_100])(
    "gives of every window what it has when all of it is there: sound of %i Hz and pictures",
    async (rate) => {
      const whole = { sound: sound(rate), frames: pictures };
      const wanted = await offline({ ...whole, sound: resample(whole.sound, 16_000) });
      const made = await all(asItComes(whole));
      const spans = (windows: readonly { index: number; start: number; end: number }[]) =>
        windows.map(({ index, start, end }) => [index, start, end]);
      expect(spans(made)).toEqual(spans(wanted));
      expect(made.length).toBe(7);
      for (const [at, moment] of made.entries()) {
        expect(Object.keys(moment)).toEqual(expect.arrayContaining(["audio", "visual", "joint"]));
        expect(apart(moment, wanted[at])).toBeLessThan(1e-4);
        expect(moment.leftOut).toBe(0);
      }
    },
  );

  it.each(["sound", "pictures"] as const)(
    "gives the same windows when all %s comes, and ends, before the other",
    async (first) => {
      const whole = { sound: sound(), frames: pictures };
      const parts: Record<"sound" | "pictures", StreamPart[]> = {
        sound: [...asItComes({ sound: whole.sound }), { ended: "sound" }],
        pictures: [...asItComes({ frames: whole.frames }), { ended: "pictures" }],
      };
      const other = first === "sound" ? "pictures" : "sound";
      // Pictures that run ahead by more than patience are not waited with.
      const made = await all([...parts[first], ...parts[other]], { patience: 10 });
      const wanted = await all(asItComes(whole));
      expect(made).toEqual(wanted);
      expect(made.at(-1)!.end).toBe(3.35);
    },
  );

  it("follows sound alone and pictures alone, windows with gaps, and shorter ones", async () => {
    const heard = sound();
    const quiet = await all(asItComes({ sound: heard }), { only: "sound", window: 0.5, hop: 0.7 });
    const wanted = await offline({ sound: heard }, { window: 0.5, hop: 0.7 });
    expect(quiet.length).toBe(wanted.length);
    for (const [at, moment] of quiet.entries()) expect(apart(moment, wanted[at])).toBeLessThan(1e-4);
    const silent = await all(asItComes({ frames: pictures }), { only: "pictures" });
    const seen = await offline({ frames: pictures });
    // A picture in the middle of a window tells it before the window is over; of the last ones the end never comes.
    expect([silent.length, seen.length]).toEqual([8, 7]);
    for (const [at, moment] of silent.slice(0, 6).entries()) {
      expect([Object.keys(moment).includes("audio"), apart(moment, seen[at]) < 1e-4]).toEqual([false, true]);
    }
    // Of a file it is known: the last window is moved back as embed moves it, and none is told that ends later.
    const until = 3.35;
    const bound = await all([{ until }, ...asItComes({ frames: pictures })], { only: "pictures" });
    expect(bound.map(({ end }) => end)).toEqual([...silent.slice(0, 6).map(({ end }) => end), until]);
    expect(bound.slice(0, 6)).toEqual(silent.slice(0, 6));
    // Where there is sound, that says where a stream ends.
    const both = await all([{ until: 2 }, ...asItComes({ sound: heard, frames: pictures })]);
    expect(both.at(-1)!.end).toBe(3.35);
    // Whatever runs it, in Node and in a page.
    for (const execute of [compiledWeb(), eager("cpu")]) {
      const other = await all(asItComes({ sound: heard, frames: pictures }), { execute, hop: 1.2 });
      const own = await all(asItComes({ sound: heard, frames: pictures }), { hop: 1.2 });
      for (const [at, moment] of other.entries()) expect(apart(moment, own[at])).toBeLessThan(1e-4);
    }
  });

  it("tells a window when its sound and its picture have come, and waits for what does not come no longer than it says", async () => {
    const heard = sound();
    const stream = createStreamingEmbedder(model, { execute: compiled(), hop: 0.4, patience: 0.3 });
    const told: [number, number][] = [];
    for (let at = 0; at < heard.samples.length; at += 160) {
      const come = (at + 160) / 16_000;
      const frames = pictures.filter(({ time }) => time >= come - 0.01 && time < come && time < 1.5);
      const moments = await stream.add({ sound: { ...heard, samples: heard.samples.slice(at, at + 160) }, frames });
      for (const { end, visual } of moments) told.push([Math.round(100 * (come - end)), visual ? 1 : 0]);
    }
    // The first three have their pictures in time; no picture of later middles comes, and 0.3 s are waited.
    expect(told).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
      [30, 1],
      [30, 0],
      [30, 0],
    ]);
    await stream.dispose();
  });

  it("leaves out what is late where nobody waits, and says how many; later windows are what they were", async () => {
    const whole = { sound: sound(), frames: pictures };
    const wanted = await all(asItComes(whole));
    const stream = createStreamingEmbedder(model, { execute: compiled(), hop: 0.4 });
    const found = await Promise.all([...asItComes(whole)].map((part) => stream.add(part)));
    const made = [...found.flat(), ...(await stream.end())];
    expect(made.length).toBeLessThan(wanted.length);
    const last = made.at(-1)!;
    expect(made.reduce((sum, { leftOut }) => sum + leftOut, made.length)).toBe(wanted.length);
    expect(last.index).toBe(wanted.at(-1)!.index);
    for (const moment of made) expect(apart(moment, wanted[moment.index])).toBeLessThan(1e-6);
    await stream.dispose();
  });

  it("scores the classes of a classifier, by what there is", async () => {
    const classes = ["bell", "dog", "rain"];
    const experiment = tinyWith({});
    const classifier = { config, statistics, classes, experiment, params: initClassifier(config, 3, createRng(4)) };
    const parts = [...asItComes({ sound: sound(), frames: pictures })];
    for (const only of [undefined, "sound", "pictures"] as const) {
      const stream = createStreamingEmbedder(classifier, { execute: compiled(), hop: 1, only });
      for (const part of parts) {
        if ((only === "sound" && part.frames) || (only === "pictures" && part.sound)) continue;
        for (const { scores } of await stream.add(part)) {
          expect(scores?.length).toBe(3);
          expect(scores!.reduce((sum, score) => sum + score, 0)).toBeCloseTo(1, 5);
        }
      }
      await stream.dispose();
    }
  });

  it("says what it cannot take", async () => {
    const execute = compiled();
    const make = (options: object) => () => createStreamingEmbedder(model, { execute, ...options });
    expect(make({ window: 1 })).toThrow("windows of 1 s are longer than what the model hears at a time, 0.96 s");
    expect(make({ hop: 0.001 })).toThrow("0.001 s is not a possible distance of windows");
    expect(make({ pictureAt: 2 })).toThrow("pictureAt is 2, which is not a place in a window");
    expect(make({ patience: -1 })).toThrow("patience is -1 s");
    const stream = make({ only: "sound" })();
    await stream.add({ sound: sound() });
    await expect(stream.add({ sound: sound(8000) })).rejects.toMatchObject({ reason: "sample-rate" });
    await expect(stream.add({ frames: pictures })).rejects.toThrow("pictures came, and only sound is used");
    const other = make({})();
    await expect(other.add({ frames: [pictures[3], pictures[1]] })).rejects.toMatchObject({ reason: "order" });
    await Promise.all([stream.dispose(), other.dispose()]);
  });
});
