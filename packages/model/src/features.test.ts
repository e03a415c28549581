import type { Patches } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { loadModel } from "./checkpoint/load.js";
import { encodeVisible } from "./encoder.js";
import { features, featuresOf } from "./features.js";
import type { ModelParams } from "./params.js";
import { config, golden, hostPatches, onDevice, relativeError } from "./seed0.test.fixture.js";

let params: ModelParams<tf.Tensor>;
let patches: Patches;

beforeAll(async () => {
  await tf.setBackend("cpu");
  params = onDevice(loadModel(config, golden("weights")).params);
  patches = onDevice(hostPatches());
});

/** The largest difference. */
const apart = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0];

describe("features", () => {
  it("equal the official unmasked tokens (fixtures/seed0)", () => {
    const { joint, audio, visual } = features(config, params, patches);
    const reference = golden("features");
    expect(joint.shape).toEqual([3, 33, 32]);
    expect(relativeError(audio, reference.audio_tokens)).toBeLessThan(1e-5);
    expect(relativeError(visual, reference.visual_tokens)).toBeLessThan(1e-5);
  });

  it("are the same of one modality alone", () => {
    const both = features(config, params, patches);
    for (const modality of ["audio", "visual"] as const) {
      expect(apart(featuresOf(config, params, modality, patches[modality]), both[modality])).toBe(0);
    }
  });

  describe("with visual locality", () => {
    const local = { ...config, visualLocality: new Array<number>(config.heads).fill(0.4) };

    it("are the same for a view that shows everything in another order", () => {
      const order = [4, 7, 0, 8, 2, 1, 6, 3, 5];
      const shown = (count: number, places: readonly number[]) =>
        tf.tensor2d(
          [0, 1, 2].map(() => Array.from({ length: count }, (_, k) => places[k] ?? k)),
          undefined,
          "int32",
        );
      const views = { audio: shown(24, []), visual: shown(9, order) };
      const seen = encodeVisible(local, params.encoder, patches, views, 1);
      const all = features(local, params, patches);
      const sorted = tf.gather(all.visual, order, 1);
      expect(apart(seen.visual, sorted)).toBeLessThan(1e-5);
      expect(apart(tf.mean(seen.joint, 1), tf.mean(all.joint, 1))).toBeLessThan(1e-5);
    });

    it("change less by what is far away", () => {
      const corner = tf.tensor(
        Float32Array.from({ length: 9 * 768 }, (_, i) => (i < 768 ? 1 : 0)),
        [1, 9, 768],
      );
      const changed = { ...patches, visual: tf.add(patches.visual, corner) as tf.Tensor3D };
      const strong = { ...config, visualLocality: new Array<number>(config.heads).fill(40) };
      const moved = tf.max(
        tf.abs(tf.sub(features(strong, params, changed).visual, features(strong, params, patches).visual)),
        [0, 2],
      );
      const [own, ...others] = moved.arraySync() as number[];
      expect(own).toBeGreaterThan(0.1);
      for (const other of others) expect(other).toBeLessThan(1e-4);
    });

    it("leave audio alone", () => {
      expect(relativeError(features(local, params, patches).audio, golden("features").audio_tokens)).toBeLessThan(1e-5);
    });
  });

  it("refuse patches of another grid", () => {
    const swapped = { audio: patches.visual, visual: patches.audio };
    expect(() => features(config, params, swapped)).toThrow(
      /features: audio patches has shape \[3, 9, 768\], expected \[B, 24, 256\]/,
    );
  });
});
