import { join } from "node:path";
import {
  countPatches,
  type FloatTensor,
  float32,
  type HostPatches,
  type HostTensor,
  type HostView,
  int32,
} from "@kdc-mae/core";
import { cutFrame, cutSpectrogram, normalizeFrame, normalizeSpectrogram, storeClip } from "@kdc-mae/data";
import { createPipesDecoder, locateFfmpeg } from "@kdc-mae/data/node";
import type { Execute, Hosted } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { similarityMap } from "@kdc-mae/eval";
import { classify } from "@kdc-mae/model";
import { readCheckpoint } from "@kdc-mae/model/node";
import { beforeAll, describe, expect, it } from "vitest";
import { clipFormFor } from "../corpus/clip-form.js";
import { createBatchEmbedder } from "../evaluate/embedding.js";
import { reconstructFunction } from "../evaluate/reconstruct.js";
import { readClassifier, readModel } from "./read-saved.js";

/** Made by fixtures/official/whole.py; the clip it was made from. */
const folder = process.env.KDC_OFFICIAL_WHOLE;
const clip = process.env.KDC_OFFICIAL_CLIP;
if (folder === undefined || clip === undefined) {
  console.info("skipped: no full-size reference; make one with fixtures/official/whole.py (KDC_OFFICIAL_WHOLE, _CLIP)");
}

const execute: Execute = compiled({});
const normalised = { mean: -5.081, std: 4.4849 };
const worst = (ours: ArrayLike<number>, theirs: HostTensor): number =>
  Array.from(theirs.data).reduce((most, value, index) => Math.max(most, Math.abs(value - ours[index])), 0);
const angle = (a: Float32Array, b: Float32Array) => {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, index) => sum + value * y[index], 0);
  return 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

describe.skipIf(folder === undefined || clip === undefined)("at full size, on a real clip", () => {
  const at = (name: string) => join(folder ?? "", name);
  let theirs: Readonly<Record<string, HostTensor>>;
  beforeAll(async () => {
    theirs = (await readCheckpoint(at("reference.pth"))).tensors;
  });

  const batchOf = (tensor: FloatTensor): FloatTensor => float32([1, ...tensor.shape], tensor.data);
  /** The spectrogram and picture that the class was given, as patches. */
  const given = (config: Parameters<typeof clipFormFor>[0]): HostPatches => {
    const frame = theirs.frame.data as Float32Array;
    const hwc = float32([224, 224, 3]);
    for (let i = 0; i < 224 * 224; i++) for (let c = 0; c < 3; c++) hwc.data[3 * i + c] = frame[c * 224 * 224 + i];
    const sound = normalizeSpectrogram(theirs.fbank as FloatTensor, normalised.mean, normalised.std);
    return { audio: batchOf(cutSpectrogram(sound, config.audio)), visual: batchOf(cutFrame(hwc, config.visual)) };
  };

  it("embeds, points and fills in as the class does; with our own front end, within what the front ends differ", async () => {
    const { config, params, statistics } = await readModel(at("whole.pth"));
    const patches = given(config);
    const embedder = createBatchEmbedder(execute, config, params);
    const same = await embedder.embed(patches);
    const heat = similarityMap(same.audio.data, float32([196, 768], same.tokens.data), config.visual);
    for (const [name, { data }] of Object.entries({
      audio: same.audio,
      visual: same.visual,
      joint: same.joint,
      heat,
    })) {
      console.info(`${name}: ${worst(data, theirs[name]).toExponential(1)} from the class`);
      expect([name, worst(data, theirs[name]) < 1e-4]).toEqual([name, true]);
    }

    const frontEnd = clipFormFor(config, 1, statistics.sampleRate);
    const decoder = createPipesDecoder((await locateFfmpeg({ env: process.env })).path);
    const request = { sampleRate: 16_000, frames: { times: [5] }, size: 224 };
    const decoded = await decoder.decode({ id: "clip", path: clip ?? "", start: 0, labels: [] }, request);
    const stored = storeClip(decoded, frontEnd);
    const picture = { width: 224, height: 224, data: stored.frames[0], time: 5 };
    const own: HostPatches = {
      audio: batchOf(cutSpectrogram(normalizeSpectrogram(stored.spectrogram, -5.081, 4.4849), config.audio)),
      visual: batchOf(cutFrame(normalizeFrame(picture), config.visual)),
    };
    const mean = (a: ArrayLike<number>, b: HostTensor) =>
      Array.from(b.data).reduce((sum, value, index) => sum + Math.abs(value - a[index]), 0) / b.data.length;
    console.info(
      `log-mel: ${mean(stored.spectrogram.data, theirs.fbank).toFixed(4)} apart on average (deviation 4.4849)`,
    );
    console.info(`picture: ${mean(own.visual.data, patches.visual).toFixed(4)} apart on average (deviation 1)`);
    const ours = await embedder.embed(own);
    await embedder.dispose();
    for (const name of ["audio", "visual", "joint"] as const) {
      const apart = angle(ours[name].data, theirs[name].data as Float32Array);
      console.info(`${name}: cosine ${(1 - apart).toFixed(6)} with the official preprocessing`);
      expect([name, apart < 0.01]).toEqual([name, true]);
    }

    const viewOf = (modality: "audio" | "visual") => {
      const visible = Int32Array.from(theirs[`visible.${modality}`].data);
      const all = Array.from({ length: countPatches(config[modality]) }, (_, n) => n);
      const hidden = Int32Array.from(all.filter((n) => !visible.includes(n)));
      return { visible: int32([1, visible.length], visible), hidden: int32([1, hidden.length], hidden) };
    };
    const views = [{ audio: viewOf("audio"), visual: viewOf("visual") }] satisfies readonly HostView[];
    type Inputs = Parameters<ReturnType<typeof reconstructFunction>>[0];
    const inputs = { params, patches, views } as unknown as Hosted<Inputs>;
    const program = await execute(reconstructFunction(config), inputs);
    const [filled] = (await program.run(inputs)) as unknown as readonly Record<"audio" | "visual", FloatTensor>[];
    await program.dispose();
    for (const modality of ["audio", "visual"] as const) {
      const apart = worst(filled[modality].data, theirs[`predicted.${modality}`]);
      console.info(`predicted ${modality}: ${apart.toExponential(1)} from the class`);
      expect([modality, apart < 1e-4]).toEqual([modality, true]);
    }
  }, 600_000);

  it("gives the class's logits", async () => {
    const { config, params } = await readClassifier(at("whole-tuned.pth"));
    type Inputs = { readonly params: Parameters<typeof classify>[1]; readonly patches: Parameters<typeof classify>[2] };
    const inputs = { params, patches: given(config) } as unknown as Hosted<Inputs>;
    const program = await execute(
      (all: Inputs) => ({ logits: classify(config, all.params, all.patches, "multimodal") }),
      inputs,
    );
    const { logits } = (await program.run(inputs)) as unknown as { readonly logits: FloatTensor };
    await program.dispose();
    console.info(`logits: ${worst(logits.data, theirs.logits).toExponential(1)} from the class`);
    expect(worst(logits.data, theirs.logits)).toBeLessThan(1e-4);
  }, 600_000);
});
