import { audioGrid, createRng, type FloatTensor, float32, visualGrid } from "@kdc-mae/core";
import { initModel, type ModelConfig, presets } from "@kdc-mae/model";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";

/** A model that is trained by no one, what it says of itself, and clips for it. */
export const config: ModelConfig = {
  ...presets.tiny,
  ...{ audio: audioGrid(96, 32, 16), visual: visualGrid(48, 16), visualLocality: [0, 0.1, 0.2, 0.3] },
  ...{ embedDim: 24, heads: 4, modalityDepth: 2, jointDepth: 1, decoderDim: 16, decoderHeads: 2 },
};
export const params = initModel(config, createRng(3));
const { layerNormEpsilon: _, ...sizes } = config;
export const experiment = checkExperiment({ ...named.demo, model: { preset: "tiny", ...sizes } }, "test");
export const statistics = { mean: -6, std: 4 };
export const rng = createRng("small models");
export const noise = (...shape: number[]): FloatTensor =>
  float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => rng.normal()),
  );
export const patches = () => ({ audio: noise(2, 12, 256), visual: noise(2, 9, 768) });
export const apart = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at])), 0);
