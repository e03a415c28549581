import { createRng, type FloatTensor, sizeOf, type Tree, treeLeaves, visualGrid } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { presets } from "./config.js";
import { countParameters, initClassifier, initModel } from "./init.js";
import { sineCosinePositions } from "./nn/positions.js";
import { encoderSpec, modelSpec } from "./spec.js";

const leaves = (tree: Tree<FloatTensor>) => new Map(treeLeaves<FloatTensor>(tree));
const config = { ...presets.tiny, embedDim: 128, decoderDim: 96, decoderHeads: 4, visual: visualGrid(96, 16) };
const params = leaves(initModel(config, createRng(7)));
const same = (a: Float32Array, b: Float32Array) => a.length === b.length && a.every((value, i) => value === b[i]);
const spread = (values: Float32Array) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);

describe("initModel", () => {
  it("draws linear weights and patch projections uniformly within Glorot's bound", () => {
    for (const [path, [out, width]] of [
      ["encoder.audio.blocks.0.attention.qkv.weight", [384, 128]],
      ["encoder.visual.patch.weight", [128, 768]],
    ] as const) {
      const { shape, data } = params.get(path)!;
      const bound = Math.sqrt(6 / (out + width));
      expect(shape).toEqual([out, width]);
      expect(Math.max(...data)).toBeLessThanOrEqual(bound);
      expect(Math.max(...data)).toBeGreaterThan(0.99 * bound);
      expect(spread(data) / (bound / Math.sqrt(3))).toBeCloseTo(1, 1);
    }
  });

  it("starts norms at 1 and 0, biases at 0, tokens at N(0, 0.02)", () => {
    expect(params.get("encoder.joint.norms.audio.gain")!.data.every((v) => v === 1)).toBe(true);
    expect(params.get("decoder.norm.bias")!.data.every((v) => v === 0)).toBe(true);
    expect(params.get("decoder.embed.bias")!.data.every((v) => v === 0)).toBe(true);
    const tokens = ["encoder.audio.modality", "encoder.visual.modality", "decoder.mask"];
    const drawn = Float32Array.from(tokens.flatMap((path) => Array.from(params.get(path)!.data)));
    expect(spread(drawn)).toBeGreaterThan(0.017);
    expect(spread(drawn)).toBeLessThan(0.023);
  });

  it("is the same for the same seed, and leaves other parameters alone when the model grows", () => {
    const again = leaves(initModel(config, createRng(7)));
    const deeper = leaves(initModel({ ...config, decoderDepth: 2 }, createRng(7)));
    for (const [path, { data }] of params) {
      expect([path, same(again.get(path)!.data, data)]).toEqual([path, true]);
      expect([path, same(deeper.get(path)!.data, data)]).toEqual([path, true]);
    }
    const other = leaves(initModel(config, createRng(8))).get("decoder.mask")!.data;
    expect(same(other, params.get("decoder.mask")!.data)).toBe(false);
  });

  it("has positions only where they are learned, and starts them at the fixed tables", () => {
    expect([...params.keys()].filter((path) => path.includes("positions"))).toEqual([]);
    const learned = leaves(initModel({ ...config, positions: "learned" }, createRng(7)));
    expect(learned.size).toBe(params.size + 4);
    expect(learned.get("encoder.visual.positions")).toEqual(sineCosinePositions(config.visual, 128));
    expect(learned.get("decoder.audio.positions")).toEqual(sineCosinePositions(config.audio, 96));
  });
});

describe("initClassifier", () => {
  it("puts a fresh head on the encoder it is given", () => {
    const { encoder } = initModel(config, createRng(7));
    const classifier = initClassifier(config, 11, createRng(1), encoder);
    expect(classifier.encoder).toBe(encoder);
    expect(classifier.head.linear.weight.shape).toEqual([11, 128]);
    expect(classifier.head).toEqual(initClassifier(config, 11, createRng(1)).head);
  });
});

describe("countParameters", () => {
  it("counts what official ViT-B models use", () => {
    // The official 191.0 M less 0.9 M of fixed positions and 0.2 M of norms that no pass reads.
    expect(countParameters(modelSpec(presets.base))).toBe(189_961_984);
    expect(countParameters(encoderSpec(presets.base))).toBe(163_821_312);
  });

  it("counts every number of a tree", () => {
    const total = [...params.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    expect(countParameters(initModel(config, createRng(7)))).toBe(total);
  });
});
