import {
  createRng,
  type FloatTensor,
  mapTree,
  type Patches,
  type Tree,
  type TreeLike,
  treeLeaves,
} from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { loadModel } from "./checkpoint/load.js";
import { differingSizes, storedSizes } from "./checkpoint/sizes.js";
import { stateDict } from "./checkpoint/state-dict.js";
import { classify } from "./classifier.js";
import { checkConfig, type ModelConfig, presets } from "./config.js";
import { features } from "./features.js";
import { initClassifier, initModel } from "./init.js";

beforeAll(() => tf.setBackend("cpu"));

const plain: ModelConfig = {
  ...presets.tiny,
  ...{ embedDim: 24, heads: 3, modalityDepth: 1, jointDepth: 1, decoderDim: 20, decoderHeads: 5, decoderDepth: 1 },
  ...{ audio: { rows: 4, columns: 5, patch: 2, channels: 1 }, visual: { rows: 3, columns: 7, patch: 2, channels: 3 } },
};
const config: ModelConfig = { ...plain, globalToken: true, registers: 2, contrastHeads: 2 };
const B = 2;

const patches = (): Patches => {
  const rng = createRng("patches");
  const normal = (N: number, P: number) =>
    tf.tensor3d(
      Float32Array.from({ length: B * N * P }, () => rng.normal()),
      [B, N, P],
    );
  return { audio: normal(20, 4), visual: normal(21, 12) };
};
const onBackend = <T extends Tree<FloatTensor>>(tree: T): TreeLike<T, tf.Tensor> =>
  mapTree(tree, (leaf: FloatTensor) => tf.tensor(leaf.data, [...leaf.shape]));

describe("global tokens, registers and contrast heads", () => {
  it("stay out of the patch tokens' count, and the global ones come out apart", () => {
    const params = onBackend(initModel(config, createRng(1)));
    const { joint, audio, visual, globalAudio, globalVisual } = features(config, params as never, patches());
    expect(joint.shape).toEqual([B, 41, 24]);
    expect(audio.shape).toEqual([B, 20, 24]);
    expect(visual.shape).toEqual([B, 21, 24]);
    expect(globalAudio?.shape).toEqual([B, 1, 24]);
    expect(globalVisual?.shape).toEqual([B, 1, 24]);
  });

  it("go to official names and back, every number, with strictly the names the official class has", () => {
    const params = initModel(config, createRng(2));
    const stored = stateDict(config, params);
    expect(stored.register_tokens.shape).toEqual([4, 24]);
    expect(stored.cls_token_a.shape).toEqual([1, 1, 24]);
    expect(Object.keys(stored)).toContain("constrative_head_visual.1.norm2_v.bias");
    expect(treeLeaves(loadModel(config, stored).params)).toEqual(treeLeaves(params));
    expect(differingSizes(config, storedSizes(new Map(Object.entries(stored))))).toEqual([]);
    // A plain model does not take them for its own.
    expect(() => loadModel(plain, stored)).toThrow(/registers is 2, not undefined/);
  });

  it("work beside attention that favours what is near: they are near to all", () => {
    const near = { ...config, visualLocality: [0, 0.3, 1] };
    const flat = { ...config, visualLocality: [0, 0, 0] };
    const params = onBackend(initModel(config, createRng(3)));
    const [none, zero, some] = [config, flat, near].map((one) => features(one, params as never, patches()).visual);
    expect(tf.max(tf.abs(tf.sub(none, zero))).dataSync()[0]).toBeLessThan(1e-5);
    expect(tf.max(tf.abs(tf.sub(none, some))).dataSync()[0]).toBeGreaterThan(1e-3);
  });

  it("let a classifier pool the patch tokens alone, in every mode", () => {
    const params = onBackend(initClassifier({ ...config, visualLocality: [0, 0.3, 1] }, 5, createRng(4)));
    for (const mode of ["multimodal", "audio-only", "visual-only", "missing-audio", "missing-visual"] as const) {
      const logits = classify({ ...config, visualLocality: [0, 0.3, 1] }, params as never, patches(), mode);
      expect(logits.shape).toEqual([B, 5]);
    }
  });

  it("are refused in numbers that cannot be", () => {
    expect(() => checkConfig({ ...config, registers: 1.5 })).toThrow("registers is 1.5, not a whole number");
  });
});
