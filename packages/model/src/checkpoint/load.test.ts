import { createRng, type FloatTensor, float32, type HostTensor, int32, treeLeaves } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { initClassifier, initModel } from "../init.js";
import { config, golden } from "../seed0.test.fixture.js";
import { loadClassifier, loadEncoder, loadModel } from "./load.js";
import { stateDict } from "./state-dict.js";

const weights = golden("weights");
const without = (tensors: Readonly<Record<string, HostTensor>>, ...names: string[]) =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => !names.includes(name)));
const bits = (tensor: HostTensor) => [tensor.dtype, tensor.shape, Buffer.from(tensor.data.buffer).toString("base64")];

describe("loadModel", () => {
  it("and stateDict give an official file back to the bit, with what it carries unused", () => {
    const { params, unused, notes } = loadModel(config, weights);
    expect(notes).toEqual([]);
    // The norms that only joint blocks use, and the fixed positions.
    expect(Object.keys(unused)).toHaveLength(48 + 4);
    const again = stateDict(config, params, unused);
    expect(Object.keys(again).toSorted()).toEqual(Object.keys(weights).toSorted());
    for (const [name, tensor] of Object.entries(weights)) {
      expect([name, ...bits(again[name])]).toEqual([name, ...bits(tensor)]);
    }
  });

  it("keeps learned positions to the bit", () => {
    const learned = { ...config, positions: "learned" } as const;
    const again = stateDict(learned, loadModel(learned, weights).params);
    for (const name of ["pos_embed_a", "pos_embed_v", "decoder_pos_embed_a", "decoder_pos_embed_v"]) {
      expect(bits(again[name])).toEqual(bits(weights[name]));
    }
  });

  it("reads convolution kernels [D, channel, height, width] as rows [height, width, channel]", () => {
    const { params } = loadModel(config, weights);
    const rows = params.encoder.visual.patch.weight;
    const kernel = weights["patch_embed_v.proj.weight"];
    expect(rows.shape).toEqual([32, 768]);
    const [d, c, y, x] = [5, 2, 3, 11];
    expect(rows.data[d * 768 + (y * 16 + x) * 3 + c]).toBe(kernel.data[((d * 3 + c) * 16 + y) * 16 + x]);
  });

  it.each([
    ["DataParallel", (name: string) => `module.${name}`],
    ["torch.compile", (name: string) => `_orig_mod.${name}`],
    ["both", (name: string) => `module._orig_mod.${name}`],
    ["Lightning", (name: string) => `model.${name}`],
    ["compiled blocks", (name: string) => name.replace(/^(blocks_.\.\d+)\./, "$1._orig_mod.")],
  ])("takes names as %s saves them", (_, named) => {
    const prefixed = Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [named(name), tensor]));
    expect(treeLeaves(loadModel(config, prefixed).params)).toEqual(treeLeaves(loadModel(config, weights).params));
  });

  it("refuses a name that comes with and without the prefix", () => {
    expect(() => loadModel(config, { ...weights, "module.norm.bias": weights["norm.bias"] })).toThrow(
      "1 with and without module., _orig_mod. or model.: norm.bias",
    );
  });

  it("copies the numbers, since training changes parameters in place", () => {
    const { params } = loadModel(config, weights);
    const before = weights["norm.bias"].data[0];
    params.encoder.joint.norms.joint.bias.data[0] = before + 1;
    expect(weights["norm.bias"].data[0]).toBe(before);
  });

  it("lists what is missing, mis-shaped and unknown, and keeps nothing", () => {
    const broken = {
      ...without(weights, "norm.weight", "blocks_v.1.mlp.fc1.bias"),
      "decoder_embed.bias": float32([25]),
      modality_a: int32([1, 1, 32]),
      "blocks_a.2.norm1.weight": float32([32]),
    };
    expect(() => loadModel(config, broken)).toThrow(
      "load checkpoint: 2 missing: blocks_v.1.mlp.fc1.bias, norm.weight; " +
        "2 of the wrong kind: decoder_embed.bias is float32 [25], expected float32 [24], " +
        "modality_a is int32 [1, 1, 32], expected float32 [1, 1, 32]; " +
        "1 unknown: blocks_a.2.norm1.weight. Use the config the checkpoint was made with",
    );
  });

  it("shortens long lists", () => {
    const decoder = Object.keys(weights).filter((name) => /^(decoder_blocks.*(norm|bias)|norm)/.test(name));
    expect(() => loadModel(config, without(weights, ...decoder))).toThrow(/missing: .* and \d+ more/);
  });

  it.each(["jointDepth", "modalityDepth", "decoderDepth"])(
    "looks at the tensors before it makes what a config claims: %s 1e9",
    (name) => {
      const huge = { ...config, [name]: 1e9 };
      expect(() => loadModel(huge, weights)).toThrow(
        new RegExp(`of another size than the model: ${name} is .+, not 1000000000`),
      );
      if (name !== "decoderDepth") expect(() => loadEncoder(huge, weights)).toThrow(/not 1000000000/);
    },
  );

  it("says in a line that a file is of another size, or of another kind", () => {
    const other = { ...config, modalityDepth: 4, decoderDim: 36 };
    expect(() => loadModel(other, weights)).toThrow(
      "it is of another size than the model: modalityDepth is 2, not 4; decoderDim is 24, not 36. Use",
    );
    // The decoder's size is nothing to an encoder.
    expect(() => loadEncoder(other, weights)).toThrow("the model: modalityDepth is 2, not 4. Use");
    expect(() => loadModel(config, { weight: float32([2, 3]) })).toThrow("none of its 1 tensors has a name");
  });

  it("takes fixed positions that were rounded to half precision, and no others", () => {
    const positions = (change: (value: number) => number) =>
      Object.fromEntries(
        Object.entries(weights).map(([name, tensor]) =>
          name.includes("pos_embed")
            ? [name, float32(tensor.shape, Float32Array.from(tensor.data, change))]
            : [name, tensor],
        ),
      );
    // Rounding to `bits` binary places of precision.
    const rounded = (bits: number) => (value: number) => {
      const step = value === 0 ? 1 : 2 ** (Math.floor(Math.log2(Math.abs(value))) + 1 - bits);
      return Math.round(value / step) * step;
    };
    const expected = loadModel(config, weights).params;
    for (const bits of [8, 11]) {
      expect(treeLeaves(loadModel(config, positions(rounded(bits))).params)).toEqual(treeLeaves(expected));
    }
    expect(() =>
      loadModel(
        config,
        positions((value) => value + 1e-3),
      ),
    ).toThrow("pos_embed_a was trained");
    expect(() =>
      loadModel(
        config,
        positions((value) => rounded(8)(value * 0.98)),
      ),
    ).toThrow("pos_embed_a was trained");
  });
});

describe("loadEncoder", () => {
  it("takes the encoder out of a pretraining file and leaves the decoder", () => {
    const { params, unused } = loadEncoder(config, weights);
    expect(params).toEqual(loadModel(config, weights).params.encoder);
    expect(Object.keys(unused)).toContain("decoder_pred_a.weight");
  });
});

describe("loadClassifier", () => {
  it("and stateDict give a classifier back, with as many classes as the file has", () => {
    const classifier = initClassifier(config, 13, createRng(2));
    const named = stateDict(config, classifier);
    expect(Object.keys(named).filter((name) => /decoder|mask/.test(name))).toEqual([]);
    expect(named["mlp_head.1.weight"].shape).toEqual([13, 32]);
    const read = treeLeaves<FloatTensor>(loadClassifier(config, named).params);
    const expected = new Map(treeLeaves<FloatTensor>(classifier));
    for (const [path, leaf] of read) expect([path, ...bits(leaf)]).toEqual([path, ...bits(expected.get(path)!)]);
  });

  it("says that a pretraining file has no head", () => {
    expect(() => loadClassifier(config, weights)).toThrow(/1 missing: mlp_head.1.weight/);
  });

  it("refuses a decoder: that is a file of another kind", () => {
    const named = { ...stateDict(config, initClassifier(config, 3, createRng(2))), mask_token: float32([1, 1, 24]) };
    expect(() => loadClassifier(config, named)).toThrow(/1 unknown: mask_token/);
  });
});

describe("other clip lengths", () => {
  const learned = { ...config, positions: "learned" } as const;
  const longer = { ...config.audio, columns: 5 };
  const shorter = { ...config.audio, columns: 2 };
  const file = stateDict(learned, initModel({ ...learned }, createRng(4)));
  const marked = {
    ...file,
    pos_embed_a: float32(
      [1, 24, 32],
      Float32Array.from({ length: 24 * 32 }, (_, i) => i),
    ),
  };

  it("trim learned positions in time, row by row, and say so", () => {
    const { params, notes } = loadModel({ ...learned, audio: shorter }, marked);
    const { shape, data } = params.encoder.audio.positions!;
    expect(shape).toEqual([1, 16, 32]);
    // Token (row 3, column 1) of 2 columns was token 3 · 3 + 1 of 3.
    expect(data[(3 * 2 + 1) * 32 + 7]).toBe((3 * 3 + 1) * 32 + 7);
    expect(notes).toEqual([
      "pos_embed_a: positions trimmed from 8 × 3 to 8 × 2",
      "decoder_pos_embed_a: positions trimmed from 8 × 3 to 8 × 2",
    ]);
  });

  it("interpolate where asked, and where there is too little to trim", () => {
    const asked = loadModel({ ...learned, audio: shorter }, marked, { positions: "interpolate" });
    // Two half-pixel centres over three columns lie at 0.25 and 1.75.
    expect(asked.params.encoder.audio.positions!.data[7]).toBeCloseTo(0.25 * 32 + 7, 3);
    expect(asked.notes[0]).toBe("pos_embed_a: positions interpolated from 8 × 3 to 8 × 2");
    const grown = loadModel({ ...learned, audio: longer }, marked);
    expect(grown.params.encoder.audio.positions!.shape).toEqual([1, 40, 32]);
    expect(grown.notes[0]).toMatch(/interpolated from 8 × 3 to 8 × 5, because there are too few to trim/);
  });

  it("make fixed positions again at the new length, and say so", () => {
    expect(loadModel({ ...config, audio: shorter }, weights).notes).toEqual([
      "decoder_pos_embed_a: fixed positions trimmed from 8 × 3 to 8 × 2",
      "pos_embed_a: fixed positions trimmed from 8 × 3 to 8 × 2",
    ]);
    expect(loadModel({ ...config, audio: longer }, weights).notes[1]).toBe(
      "pos_embed_a: fixed positions continued from 8 × 3 to 8 × 5",
    );
  });

  it("refuse to lose trained or interpolated positions in a model that has none", () => {
    expect(() => loadModel(config, marked)).toThrow(
      'pos_embed_a was trained, which a model with fixed positions would lose (set positions: "learned")',
    );
    expect(() => loadModel({ ...config, audio: shorter }, weights, { positions: "interpolate" })).toThrow(
      /pos_embed_a would be interpolated, which a model with fixed positions cannot keep/,
    );
  });

  it("refuse a table that fits no grid", () => {
    expect(() => loadModel(learned, { ...file, pos_embed_v: float32([1, 10, 32]) })).toThrow(
      "pos_embed_v is float32 [1, 10, 32], expected float32 [1, 9, 32]",
    );
  });
});
