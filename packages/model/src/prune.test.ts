import { audioGrid, createRng, type FloatTensor, mapTree, treeLeaves, visualGrid } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { loadModel } from "./checkpoint/load.js";
import { officialModel } from "./checkpoint/official.js";
import { stateDict } from "./checkpoint/state-dict.js";
import { checkConfig, type ModelConfig, presets } from "./config.js";
import { features } from "./features.js";
import { globalAttention } from "./global-attention.js";
import { initModel } from "./init.js";
import type { EncoderParams, ModelParams } from "./params.js";
import { pretrainForward } from "./pretrain.js";
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

  it("of heads: the same where the released code's departures are repeated, which skip joint blocks", () => {
    const made = pruneEncoder(config, params.encoder, { heads: 0.5, units: 0 });
    const seen = (places: readonly number[]) => tf.tensor2d([...places, ...places], [2, places.length], "int32");
    const rest = (of: number, places: readonly number[]) => [...Array(of).keys()].filter((at) => !places.includes(at));
    const view = (audio: readonly number[], visual: readonly number[]) => ({
      audio: { visible: seen(audio), hidden: seen(rest(12, audio)) },
      visual: { visible: seen(visual), hidden: seen(rest(9, visual)) },
    });
    const evidence = (of: ModelConfig, encoder: EncoderParams<FloatTensor>, compat?: "official") =>
      tf.tidy(() => {
        const tensors = mapTree({ ...params, encoder }, ({ data, shape }: FloatTensor) => tf.tensor(data, [...shape]));
        const views = [view([0, 5, 7], [1, 4]), view([2, 3, 9], [0, 8])];
        const own = tensors as unknown as ModelParams<tf.Tensor>;
        return pretrainForward(of, own, patches(), views, { compat }).views.flatMap(({ encoded, reconstruction }) =>
          [encoded.joint, encoded.audio, encoded.visual, reconstruction.audio, reconstruction.visual].flatMap((one) => [
            ...one.dataSync(),
          ]),
        );
      });
    const whole = silenced(made.config, params.encoder);
    const own = evidence(made.config, made.encoder, "official");
    const wanted = evidence(config, whole, "official");
    const apart = own.reduce((most, value, at) => Math.max(most, Math.abs(value - wanted[at])), 0);
    expect(apart).toBeLessThan(1e-5);
    expect(wanted).not.toEqual(evidence(config, whole));
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

  it("attends to the global token as the whole model does, where the heads taken out look as those that are left", () => {
    const paired = { ...config, globalToken: true, visualLocality: [0, 0, 0.2, 0.2, 0.4, 0.4] };
    const { encoder } = initModel(paired, createRng(6));
    const [D, width] = [24, 4];
    const isSecond = (at: number) => Math.floor(at / width) % 2 === 1;
    // Every second head asks and answers as the one before it, and says nothing.
    const doubled = mapTree(encoder, (leaf: FloatTensor, path) => {
      const { data } = leaf;
      if (/attention\.projection\.weight$/.test(path)) {
        return { ...leaf, data: data.map((value, n) => (isSecond(n % D) ? 0 : value)) };
      }
      if (!/attention\.qkv\./.test(path)) return leaf;
      const columns = data.length / (3 * D);
      const rowOf = (n: number) => Math.floor(n / columns);
      const copied = (n: number) => (rowOf(n) < 2 * D ? data[n - width * columns] : 0);
      return { ...leaf, data: data.map((value, n) => (isSecond(rowOf(n) % D) ? copied(n) : value)) };
    }) as EncoderParams<FloatTensor>;
    const made = pruneEncoder(paired, doubled, { heads: 0.5, units: 0 });
    expect(made.config.pruned!.joint.map(({ heads }) => heads)).toEqual([
      [0, 2, 4],
      [0, 2, 4],
    ]);
    const attended = (of: ModelConfig, one: EncoderParams<FloatTensor>) =>
      tf.tidy(() => {
        const { audio, visual } = globalAttention(of, { encoder: inTensors(one) }, patches());
        return [audio, visual].map((weights) => weights.dataSync() as Float32Array);
      });
    const [own, wanted] = [attended(made.config, made.encoder), attended(paired, doubled)];
    for (const [at, values] of own.entries()) {
      expect(values.reduce((most, value, n) => Math.max(most, Math.abs(value - wanted[at][n])), 0)).toBeLessThan(1e-6);
    }
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
    expect(() => pruneEncoder(config, params.encoder, { heads: 1, units: 0 })).toThrow("1 is not a share of heads");
  });

  it("is not read as an official checkpoint, where its config is gone", () => {
    const choices = { heads: 6, decoderHeads: 2, melBins: 32 };
    expect(officialModel(stateDict(config, params), choices).config.embedDim).toBe(24);
    for (const [shares, rows] of [
      [{ heads: 0.5, units: 0 }, "qkv.weight has 36 rows of 72"],
      [{ heads: 0, units: 0.5 }, "fc1.weight has 48 rows of 96"],
    ] as const) {
      const made = pruneEncoder(config, params.encoder, shares);
      expect(() => officialModel(stateDict(made.config, { ...params, encoder: made.encoder }), choices)).toThrow(
        `${rows}: heads or units were taken out of this model, and which are left is not said`,
      );
    }
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
