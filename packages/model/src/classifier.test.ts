import type { HostTensor, Patches } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { loadClassifier } from "./checkpoint/load.js";
import { type ClassifierMode, classify, officialModes } from "./classifier.js";
import type { ClassifierParams } from "./params.js";
import { config, golden, hostPatches, onDevice, relativeError } from "./seed0.test.fixture.js";

const reference = golden("finetune");
let params: ClassifierParams<tf.Tensor>;
let patches: Patches;

/** A fine-tuned file: the official backbone without its decoder, and the head. */
function finetuned(): Record<string, HostTensor> {
  const backbone = Object.entries(golden("weights")).filter(([name]) => !/^(decoder_|mask_token)/.test(name));
  const head = Object.entries(reference).filter(([name]) => name.startsWith("mlp_head."));
  return Object.fromEntries([...backbone, ...head]);
}

beforeAll(async () => {
  await tf.setBackend("cpu");
  params = onDevice(loadClassifier(config, finetuned()).params);
  patches = onDevice(hostPatches());
});

describe("classify", () => {
  it.each(Object.keys(officialModes) as ClassifierMode[])("%s equals the official logits (fixtures/seed0)", (mode) => {
    const logits = classify(config, params, patches, mode);
    expect(relativeError(logits, reference[`logits.${officialModes[mode]}`])).toBeLessThan(1e-5);
  });

  it.each([
    ["missing-visual", "audio"],
    ["audio-only", "audio"],
    ["missing-audio", "visual"],
    ["visual-only", "visual"],
  ] as const)("%s needs %s alone", (mode, modality) => {
    const alone = classify(config, params, { [modality]: patches[modality] }, mode);
    expect(relativeError(alone, reference[`logits.${officialModes[mode]}`])).toBeLessThan(1e-5);
  });

  it("says which modality a mode lacks", () => {
    expect(() => classify(config, params, { audio: patches.audio }, "multimodal")).toThrow(
      "classify: mode multimodal needs visual patches and there are none. Give visual patches, or choose a mode that does without them",
    );
  });
});
