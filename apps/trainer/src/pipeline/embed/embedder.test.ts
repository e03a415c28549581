import { audioGrid, createRng, type Frame, visualGrid } from "@kdc-mae/core";
import { assembleBatch, audioPatches, spectrogramOf, visualPatches, windowsOf } from "@kdc-mae/data";
import { eager } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { compiled as compiledWeb } from "@kdc-mae/engine/web";
import { initModel, presets } from "@kdc-mae/model";
import { describe, expect, it } from "vitest";
import { clipFormFor, frontEndOf } from "../corpus/clip-form.js";
import { createBatchEmbedder } from "../evaluate/embedding.js";
import { createEmbedder, type Vectors } from "./embedder.js";

const config = {
  ...presets.tiny,
  ...{ audio: audioGrid(96, 32, 16), visual: visualGrid(48, 16), embedDim: 24, heads: 4, modalityDepth: 1 },
};
const statistics = { mean: -6, std: 4 };
const model = { config, params: initModel(config, createRng(2)), statistics };

const rng = createRng("embedder");
const tone = (seconds: number, sampleRate = 22_050) => ({
  sampleRate,
  samples: Float32Array.from({ length: seconds * sampleRate }, (_, t) => 0.3 * Math.sin(t / 9 + (t / 7000) ** 2)),
});
const picture = (time: number): Frame => ({
  ...{ width: 70, height: 54, time },
  data: Uint8Array.from({ length: 70 * 54 * 3 }, () => rng.integer(256)),
});
const withAlpha = ({ data, ...frame }: Frame) => ({
  ...frame,
  data: Uint8ClampedArray.from({ length: (data.length / 3) * 4 }, (_, at) =>
    at % 4 === 3 ? 77 : data[3 * (at >> 2) + (at % 4)],
  ),
});
const apart = (a: Vectors, b: Vectors) => {
  expect(Object.keys(a).sort()).toEqual(Object.keys(b).sort());
  const streams = Object.keys(a) as (keyof Vectors)[];
  return Math.max(...streams.flatMap((name) => [...a[name]!].map((value, at) => Math.abs(value - b[name]![at]))));
};

describe("createEmbedder", () => {
  const sound = tone(0.96);
  const frames = [picture(0.1), picture(0.5), picture(0.9)];

  it("is the front end, the picture in the middle, and the means of the streams", async () => {
    const embedder = createEmbedder(model, { execute: compiled() });
    const { audio, visual, grids } = frontEndOf(clipFormFor(config, 1), statistics);
    const plain = createBatchEmbedder(compiled(), config, model.params);
    const sample = {
      audio: audioPatches(spectrogramOf(sound, audio), audio, grids.audio),
      visual: visualPatches(frames[1], visual.size, grids.visual),
    };
    const made = await plain.embed(assembleBatch([sample]));
    const wanted = { audio: made.audio.data, visual: made.visual.data, joint: made.joint.data };
    const found = await embedder.embed({ sound, frames });
    expect(apart(found, wanted)).toBe(0);
    expect([embedder.seconds, embedder.sampleRate, embedder.imageSize]).toEqual([0.96, 16_000, 48]);

    // One modality is what it is beside the other, and RGBA what it is as RGB.
    expect(apart(await embedder.embed({ sound }), { audio: wanted.audio })).toBeLessThan(1e-6);
    expect(apart(await embedder.embed({ frames: [frames[1]] }), { visual: wanted.visual })).toBeLessThan(1e-6);
    expect(apart(await embedder.embed({ sound, frames: frames.map(withAlpha) }), wanted)).toBe(0);
    await Promise.all([embedder.dispose(), plain.dispose()]);
  });

  it.each([
    ["onnxruntime-web", compiledWeb()],
    ["tfjs, operation by operation", eager("cpu")],
  ])("gives the same through %s", async (_, execute) => {
    const [one, other] = [createEmbedder(model, { execute: compiled() }), createEmbedder(model, { execute })];
    for (const input of [{ sound, frames }, { sound }, { frames }]) {
      expect(apart(await one.embed(input), await other.embed(input))).toBeLessThan(2e-5);
    }
    await Promise.all([one.dispose(), other.dispose()]);
  });

  it("takes a stream of windows and gives a stream of vectors, in whatever batches", async () => {
    const recording = { sound: tone(3.1), frames: [0.2, 0.7, 1.3, 1.8, 2.4, 4.9].map(picture) };
    const windows = [...windowsOf(recording, { window: 0.96 })];
    const kinds = windows.map(({ start, sound, frames }) => [start, sound !== undefined, frames?.length ?? 0]);
    expect(kinds).toEqual([
      [0, true, 2],
      [0.96, true, 2],
      [1.92, true, 1],
      [2.88, true, 0],
      [3.84, false, 1],
    ]);
    const one = createEmbedder(model, { execute: compiled() });
    const wanted = await Promise.all(windows.map((window) => one.embed(window)));
    expect(wanted.map((vectors) => Object.keys(vectors).length)).toEqual([3, 3, 3, 1, 1]);
    for (const batch of [1, 2, 3]) {
      const embedder = createEmbedder(model, { execute: compiled(), batch });
      let asked = 0;
      async function* stream() {
        for (const window of windows) {
          asked++;
          yield window;
        }
      }
      let at = 0;
      for await (const { input, vectors } of embedder.embedAll(stream())) {
        expect(input).toBe(windows[at]);
        expect(apart(vectors, wanted[at++])).toBeLessThan(1e-6);
        expect(asked - at).toBeLessThanOrEqual(batch);
      }
      expect(at).toBe(windows.length);
      await embedder.dispose();
    }
    await one.dispose();
  });

  it("says what it cannot take", async () => {
    const embedder = createEmbedder(model, { execute: compiled() });
    await expect(embedder.embed({})).rejects.toThrow("there is neither sound nor a picture");
    await expect(embedder.embed({ sound: tone(2) })).rejects.toThrow(
      "the sound lasts 2.00 s and the model hears 0.96 s at a time. Cut it into windows: windowsOf",
    );
    await expect(embedder.embed({ frames: [{ ...picture(0), width: 71 }] })).rejects.toMatchObject({ reason: "shape" });
    await expect(embedder.embed({ sound: tone(0.01) })).rejects.toMatchObject({ reason: "too-short" });
    expect(() => [...windowsOf({}, { window: 1 })]).toThrow("the recording has no length");
    await embedder.dispose();
  });
});
