import { createRng, type Stream } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { presets } from "./config.js";
import { initModel } from "./init.js";
import { jointPass, throughNorms } from "./joint.js";
import { block } from "./nn/block.js";
import { layerNorm } from "./nn/layer-norm.js";
import type { ModelParams } from "./params.js";
import { onDevice } from "./seed0.test.fixture.js";

const config = { ...presets.tiny, embedDim: 20, heads: 5, modalityDepth: 0, jointDepth: 3 };
const settings = { heads: config.heads, epsilon: 1e-5 };
let joint: ModelParams<tf.Tensor>["encoder"]["joint"];

beforeAll(async () => {
  await tf.setBackend("cpu");
  joint = onDevice<ModelParams<tf.Tensor>>(initModel(config, createRng(3))).encoder.joint;
});

describe("throughNorms", () => {
  it.each(["joint", "audio", "visual"] as Stream[])(
    "gives the %s stream its own norms and the shared rest",
    (stream) => {
      const picked = throughNorms(joint.blocks[1], stream);
      expect(picked.attentionNorm).toBe(joint.blocks[1].norms[stream].attentionNorm);
      expect(picked.mlpNorm).toBe(joint.blocks[1].norms[stream].mlpNorm);
      expect(picked.attention).toBe(joint.blocks[1].attention);
      expect(picked.mlp).toBe(joint.blocks[1].mlp);
    },
  );
});

describe("jointPass", () => {
  it("feeds each block with what the one before gave, where the official code does not chain", () => {
    const tokens = tf.randomNormal([2, 7, 20], 0, 1, "float32", 11) as tf.Tensor3D;
    let expected = tokens;
    for (const one of joint.blocks) expected = block(throughNorms(one, "visual"), expected, settings);
    const ours = jointPass(joint, "visual", tokens, settings);
    const difference = tf.sub(ours, layerNorm(joint.norms.visual, expected, settings.epsilon));
    expect(tf.max(tf.abs(difference)).dataSync()[0]).toBe(0);
    const last = block(throughNorms(joint.blocks[2], "visual"), tokens, settings);
    expect(tf.max(tf.abs(tf.sub(last, expected))).dataSync()[0]).toBeGreaterThan(0.1);
  });
});
