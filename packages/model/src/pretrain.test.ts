import type { FloatTensor, Patches, ViewEvidence } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { loadModel } from "./checkpoint/load.js";
import type { ModelParams } from "./params.js";
import { type PretrainOptions, pretrainForward } from "./pretrain.js";
import { config, golden, hostPatches, onDevice, relativeError, views } from "./seed0.test.fixture.js";

let params: ModelParams<tf.Tensor>;
let patches: Patches;

beforeAll(async () => {
  await tf.setBackend("cpu");
  params = onDevice(loadModel(config, golden("weights")).params);
  patches = onDevice(hostPatches());
});

const cases: [name: string, count: number, kind: "complementary" | "independent", options?: PretrainOptions][] = [
  ["complementary", 2, "complementary"],
  ["complementary_official", 2, "complementary", { compat: "official" }],
  ["complementary_normpix", 2, "complementary"],
  ["complementary_aavv", 2, "complementary"],
  ["independent", 2, "independent"],
  ["triple", 3, "complementary"],
  ["cavmae", 1, "complementary"],
];

describe("pretrainForward against the official code (fixtures/seed0)", () => {
  it.each(cases)("%s", (name, count, kind, options) => {
    const reference = golden(name);
    const evidence = pretrainForward(config, params, patches, views(count, kind), options);
    expect(evidence.views).toHaveLength(count);
    for (const [v, view] of evidence.views.entries()) {
      const { encoded, reconstruction } = view;
      const errors = {
        joint: relativeError(encoded.joint, reference[`view${v}.joint`]),
        audio: relativeError(encoded.audio, reference[`view${v}.audio`]),
        visual: relativeError(encoded.visual, reference[`view${v}.visual`]),
        pred_audio: relativeError(reconstruction.audio, reference[`view${v}.pred_audio`]),
        pred_visual: relativeError(reconstruction.visual, reference[`view${v}.pred_visual`]),
      };
      expect(Math.max(...Object.values(errors))).toBeLessThan(1e-5);
    }
  });
});
