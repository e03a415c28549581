import { audioGrid, createRng, visualGrid } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { logMel, padFrames } from "@kdc-mae/data";
import { type ModelConfig, presets } from "@kdc-mae/model";
import { type ClipForm, clipFormFor } from "../corpus/clip-form.js";
import { checkFineTuning } from "./check.js";
import type { CheckedFineTuning, FineTuningExperiment } from "./schema.js";

export const grids = { audio: audioGrid(96, 32, 16), visual: visualGrid(48, 12) };
export const form: ClipForm = { ...clipFormFor(grids, 2), keepSound: true };

/** A model of 24 channels: 12 audio and 16 picture patches. */
export const config: ModelConfig = {
  ...presets.tiny,
  ...grids,
  ...{ embedDim: 24, heads: 3, modalityDepth: 1, jointDepth: 2 },
  ...{ decoderDim: 16, decoderHeads: 2, decoderDepth: 1 },
};

export const classes = ["bell", "drum", "siren"];

/** A clip whose tone and brightness follow its class. */
export function madeClip(index: number, labels: readonly string[] = [classes[index % 3]]): StoredClip {
  const rng = createRng(index);
  const kind = classes.indexOf(labels[0]);
  const pitch = 300 * 3 ** kind;
  const samples = Float32Array.from(
    { length: 8400 },
    (_, t) => 0.3 * Math.sin((2 * Math.PI * pitch * t) / 16000) + 0.02 * rng.normal(),
  );
  const waveform = { samples, sampleRate: 16000 };
  return {
    item: { id: `clip-${index}`, path: "", labels },
    spectrogram: padFrames(logMel(waveform, form.audio), form.audio.frames),
    frames: [0, 1].map(() => Uint8Array.from({ length: 48 * 48 * 3 }, () => 70 * kind + rng.integer(60))),
    times: [0, 0.3],
    original: { width: 48, height: 48 },
    waveform,
  };
}

export const statistics = { mean: -8, std: 4 };

/** Everything that may be random is on, so that a resumed run has all of it to repeat. */
export const tiny: FineTuningExperiment = {
  name: "tiny",
  data: { kind: "synthetic", train: 17, validation: 7, test: 1 },
  loss: { kind: "cross-entropy", labelSmoothing: 0.1 },
  audio: { statistics, noise: true, specAugment: { frequency: 7, time: 11 } },
  mixup: { probability: 0.5, alpha: 10 },
  sampling: "balanced",
  optimizer: { learningRate: 3e-3, headRate: 3 },
  schedule: { kind: "multi-step", from: 2, every: 1, factor: 0.5 },
  training: { batch: 5, epochs: 3, checkpointSeconds: 1000 },
  averaging: { from: 2, to: 3 },
};

export const tinyWith = (changes: Partial<FineTuningExperiment>): CheckedFineTuning =>
  checkFineTuning({ ...tiny, ...changes }, "test");
