import { audioGrid, createRng, type FloatTensor, mapTree, treeLeaves, visualGrid } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { loadModel } from "./checkpoint/load.js";
import { stateDict } from "./checkpoint/state-dict.js";
import { checkConfig, type ModelConfig, presets } from "./config.js";
import { features } from "./features.js";
import { initModel } from "./init.js";
import type { EncoderParams } from "./params.js";
import { pruneEncoder } from "./prune.js";

const config: ModelConfig = {
  ...presets.tiny,
  ...{ audio: audioGrid(96, 32, 16), visual: visualGrid(48, 16) },
  ...{ embedDim: 24, heads: 6, modalityDepth: 2, jointDepth: 2, decoderDim: 16, decoderHeads: 2 },
  visualLocality: [0, 0.1, 0.2, 0.3, 0.4, 0.5],
};
const model = initModel(config, createRng(5));
// Biases begin at nothing, and would hide a mistake.
const rng = createRng("biases");
const params = mapTree(model, (leaf: FloatTensor, path) =>
  /bias$/.test(path) ? { ...leaf, data: leaf.data.map(() => 0.1 * rng.normal()) } : leaf,
) as typeof model;

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const patches = () => ({
  audio: tf.randomNormal([2, 12, 256], 0, 1, "float32", 3) as tf.Tensor3D,
  visual: tf.randomNormal([2, 9, 768], 0, 1, "float32", 4) as tf.Tensor3D,
});
const inTensors = (encoder: EncoderParams<FloatTensor>) =>
  mapTree(encoder, ({ data, shape }: FloatTensor) =>
    tf.tensor(data, [...shape]),
  ) as unknown as EncoderParams<tf.Tensor>;
const streamsOf = (of: ModelConfig, encoder: EncoderParams<FloatTensor>) =>
  tf.tidy(() => {
    const { joint, audio, visual } = features(of, { encoder: inTensors(encoder) }, patches());
    return [joint, audio, visual].map((tokens) => tokens.dataSync() as Float32Array);
  });

/** The whole encoder, in which what was taken out gives nothing: its columns of what follows are zeros. */
function silenced({ pruned }: ModelConfig, whole: EncoderParams<FloatTensor>): EncoderParams<FloatTensor> {
  const width = 4;
  return mapTree(whole, (leaf: FloatTensor, path) => {
    const [, stack, at] = /^(audio|visual|joint)\.blocks\.(\d+)\.attention\.projection\.weight$/.exec(path) ?? [];
    if (stack === undefined) return leaf;
    const { heads } = pruned![stack as "audio"][Number(at)];
    return { ...leaf, data: leaf.data.map((value, n) => (heads.includes(Math.floor((n % 24) / width)) ? value : 0)) };
  }) as EncoderParams<FloatTensor>;
}

describe("pruneEncoder", () => {
  it("of heads: gives what the whole model gives where those heads say nothing", () => {
    const made = pruneEncoder(config, params.encoder, { heads: 0.5, units: 0 });
    expect(made.config.pruned!.audio.map(({ heads, units }) => [heads.length, units])).toEqual([
      [3, 96],
      [3, 96],
    ]);
    const own = streamsOf(made.config, made.encoder);
    const wanted = streamsOf(config, silenced(made.config, params.encoder));
    for (const [stream, values] of own.entries()) {
      expect(values.reduce((most, value, at) => Math.max(most, Math.abs(value - wanted[stream][at])), 0)).toBeLessThan(
        1e-5,
      );
    }
  });

  it("takes the smallest, wherever they stand: a model with nothing in half of its units is the same without them", () => {
    const small = mapTree(params.encoder, (leaf: FloatTensor, path) => {
      if (/mlp\.expand\./.test(path)) {
        const row = leaf.data.length / 96;
        return { ...leaf, data: leaf.data.map((value, n) => (Math.floor(n / row) % 2 === 1 ? value : 0)) };
      }
      if (/mlp\.contract\.weight/.test(path)) {
        return { ...leaf, data: leaf.data.map((value, n) => ((n % 96) % 2 === 1 ? value : 0)) };
      }
      return leaf;
    }) as EncoderParams<FloatTensor>;
    const made = pruneEncoder(config, small, { heads: 0, units: 0.5 });
    expect(made.config.pruned!.joint[1]).toEqual({ heads: [0, 1, 2, 3, 4, 5], units: 48 });
    const [own, wanted] = [streamsOf(made.config, made.encoder), streamsOf(config, small)];
    for (const [stream, values] of own.entries()) {
      expect(values.reduce((most, value, at) => Math.max(most, Math.abs(value - wanted[stream][at])), 0)).toBeLessThan(
        1e-5,
      );
    }
    const count = (encoder: EncoderParams<FloatTensor>) =>
      treeLeaves<FloatTensor>(encoder).reduce((sum, [, { data }]) => sum + data.length, 0);
    // Of six blocks 48 units each of 24 in, a bias, 24 out.
    expect(count(small) - count(made.encoder)).toBe(6 * 48 * 49);
  });

  it("twice takes out of what is left, and names heads as the whole model does", () => {
    const once = pruneEncoder(config, params.encoder, { heads: 0.5, units: 0.5 });
    const twice = pruneEncoder(once.config, once.encoder, { heads: 0.34, units: 0.5 });
    for (const stream of ["audio", "visual", "joint"] as const) {
      for (const [at, { heads, units }] of twice.config.pruned![stream].entries()) {
        expect([heads.length, units]).toEqual([2, 24]);
        expect(once.config.pruned![stream][at].heads).toEqual(expect.arrayContaining([...heads]));
      }
    }
    expect(streamsOf(twice.config, twice.encoder)[0].every(Number.isFinite)).toBe(true);
  });

  it("is saved and loaded by its config, and by no other", () => {
    const made = pruneEncoder(config, params.encoder, { heads: 0.5, units: 0.25 });
    const tensors = stateDict(made.config, { ...params, encoder: made.encoder });
    const { params: loaded } = loadModel(made.config, tensors);
    expect(loaded.encoder).toEqual(made.encoder);
    expect(() => loadModel(config, tensors)).toThrow("load checkpoint");
    for (const pruned of [
      { ...made.config.pruned!, audio: [] },
      {
        ...made.config.pruned!,
        joint: [
          { heads: [2, 1], units: 5 },
          { heads: [0], units: 5 },
        ],
      },
      {
        ...made.config.pruned!,
        joint: [
          { heads: [6], units: 5 },
          { heads: [0], units: 0 },
        ],
      },
    ]) {
      expect(() => checkConfig({ ...config, pruned })).toThrow("pruned.");
    }
    expect(() => pruneEncoder(config, params.encoder, { heads: 1, units: 0 })).toThrow("1 is no share of heads");
  });

  it("learns: a gradient reaches everything that is left", () => {
    const made = pruneEncoder(config, params.encoder, { heads: 0.5, units: 0.5 });
    const leaves = treeLeaves<FloatTensor>(made.encoder);
    const derive = tf.grads((...inputs: tf.Tensor[]) => {
      let next = 0;
      const encoder = mapTree(made.encoder, () => inputs[next++]) as unknown as EncoderParams<tf.Tensor>;
      const { joint, audio, visual } = features(made.config, { encoder }, patches());
      const weigh = (tokens: tf.Tensor) => tf.sum(tf.mul(tokens, tf.randomNormal(tokens.shape, 0, 1, "float32", 8)));
      return tf.addN([joint, audio, visual].map(weigh));
    });
    const gradients = tf.tidy(() => derive(leaves.map(([, { data, shape }]) => tf.tensor(data, [...shape]))));
    for (const [at, gradient] of gradients.entries()) {
      expect([leaves[at][0], gradient.dataSync().some((value) => value !== 0)]).toEqual([leaves[at][0], true]);
    }
  });
});
