import type { Patches } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { loadModel } from "./checkpoint/load.js";
import { features } from "./features.js";
import type { ModelParams } from "./params.js";
import { config, golden, hostPatches, onDevice, relativeError } from "./seed0.test.fixture.js";

let params: ModelParams<tf.Tensor>;
let patches: Patches;

beforeAll(async () => {
  await tf.setBackend("cpu");
  params = onDevice(loadModel(config, golden("weights")).params);
  patches = onDevice(hostPatches());
});

describe("features", () => {
  it("equal the official unmasked tokens (fixtures/seed0)", () => {
    const { joint, audio, visual } = features(config, params, patches);
    const reference = golden("features");
    expect(joint.shape).toEqual([3, 33, 32]);
    expect(relativeError(audio, reference.audio_tokens)).toBeLessThan(1e-5);
    expect(relativeError(visual, reference.visual_tokens)).toBeLessThan(1e-5);
  });

  it("refuse patches of another grid", () => {
    const swapped = { audio: patches.visual, visual: patches.audio };
    expect(() => features(config, params, swapped)).toThrow(
      /features: audio patches has shape \[3, 9, 768\], expected \[B, 24, 256\]/,
    );
  });
});
