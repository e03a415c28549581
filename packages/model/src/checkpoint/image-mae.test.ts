import { createRng, type FloatTensor, float32, type HostTensor, treeLeaves } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { initModel } from "../init.js";
import { sineCosinePositions } from "../nn/positions.js";
import { config } from "../seed0.test.fixture.js";
import { loadImageMae } from "./image-mae.js";

const rng = createRng("image mae");
const random = (...shape: number[]): HostTensor =>
  float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.normal()),
  );

const both = (name: string, out: number, width?: number): [string, HostTensor][] => [
  [`${name}.weight`, width === undefined ? random(out) : random(out, width)],
  [`${name}.bias`, random(out)],
];
const block = (name: string, D: number) => [
  ...both(`${name}.norm1`, D),
  ...both(`${name}.attn.qkv`, 3 * D, D),
  ...both(`${name}.attn.proj`, D, D),
  ...both(`${name}.norm2`, D),
  ...both(`${name}.mlp.fc1`, 4 * D, D),
  ...both(`${name}.mlp.fc2`, D, 4 * D),
];
/** A table of positions behind the row of the class token. */
function withClass(D: number): HostTensor {
  const table = sineCosinePositions(config.visual, D);
  return float32([1, 10, D], Float32Array.of(...new Float32Array(D), ...table.data));
}

/** An image MAE (facebookresearch/mae) of 3 blocks for pictures of 48 × 48, and its decoder of 2. */
const encoder: Record<string, HostTensor> = Object.fromEntries([
  ["cls_token", random(1, 1, 32)],
  ["pos_embed", withClass(32)],
  ["patch_embed.proj.weight", random(32, 3, 16, 16)],
  ["patch_embed.proj.bias", random(32)],
  ...[0, 1, 2].flatMap((i) => block(`blocks.${i}`, 32)),
  ...both("norm", 32),
]);
const full: Record<string, HostTensor> = {
  ...encoder,
  ...Object.fromEntries([
    ["mask_token", random(1, 1, 24)],
    ["decoder_pos_embed", withClass(24)],
    ...both("decoder_embed", 24, 32),
    ...[0, 1].flatMap((i) => block(`decoder_blocks.${i}`, 24)),
    ...both("decoder_norm", 24),
    ...both("decoder_pred", 768, 24),
  ]),
};

describe("loadImageMae", () => {
  const { params, notes } = loadImageMae(config, full, createRng(1));
  const { audio, visual, joint } = params.encoder;

  it("copies the first blocks to both branches and the last to the joint stack, its norms for every stream", () => {
    expect(audio.blocks[1].mlp.contract.weight.data).toEqual(full["blocks.1.mlp.fc2.weight"].data);
    expect(visual.blocks[1].mlp.contract.weight.data).toEqual(full["blocks.1.mlp.fc2.weight"].data);
    expect(joint.blocks[0].attention.qkv.bias?.data).toEqual(full["blocks.2.attn.qkv.bias"].data);
    for (const stream of ["joint", "audio", "visual"] as const) {
      expect(joint.blocks[0].norms[stream].attentionNorm.gain.data).toEqual(full["blocks.2.norm1.weight"].data);
      expect(joint.blocks[0].norms[stream].mlpNorm.bias.data).toEqual(full["blocks.2.norm2.bias"].data);
      expect(joint.norms[stream].bias.data).toEqual(full["norm.bias"].data);
    }
  });

  it("gives every copy numbers of its own, since training changes them in place", () => {
    const arrays = treeLeaves<FloatTensor>(params).map(([, leaf]) => leaf.data.buffer);
    expect(new Set(arrays).size).toBe(arrays.length);
  });

  it("sums the patch projection over colours for audio", () => {
    const kernel = full["patch_embed.proj.weight"].data;
    const [d, place] = [7, 5 * 16 + 9];
    const colours = [0, 1, 2].map((c) => kernel[(d * 3 + c) * 256 + place]);
    expect(audio.patch.weight.data[d * 256 + place]).toBeCloseTo(colours[0] + colours[1] + colours[2], 5);
    expect(visual.patch.weight.data[d * 768 + place * 3 + 2]).toBe(colours[2]);
    expect(audio.patch.bias.data).toEqual(full["patch_embed.proj.bias"].data);
  });

  it("takes the audio head from the first rows of the picture head", () => {
    expect(params.decoder.audio.head.weight.data).toEqual(full["decoder_pred.weight"].data.slice(0, 256 * 24));
    expect(params.decoder.visual.head.weight.data).toEqual(full["decoder_pred.weight"].data);
    expect(params.decoder.mask.data).toEqual(full.mask_token.data);
  });

  it("starts the modality tokens fresh, and says so", () => {
    expect(audio.modality).toEqual(initModel(config, createRng(1)).encoder.audio.modality);
    expect(notes).toEqual(["modality tokens start fresh"]);
  });

  it("starts the decoder fresh where the file has none, and says so", () => {
    const loaded = loadImageMae(config, encoder, createRng(1));
    expect(loaded.params.decoder).toEqual(initModel(config, createRng(1)).decoder);
    expect(loaded.notes).toEqual(["modality tokens and the whole decoder start fresh"]);
  });

  it("drops the row of the class token from learned positions", () => {
    const learned = loadImageMae({ ...config, positions: "learned" }, full, createRng(1)).params;
    expect(learned.encoder.visual.positions).toEqual(sineCosinePositions(config.visual, 32));
    expect(learned.encoder.audio.positions).toEqual(sineCosinePositions(config.audio, 32));
  });

  it("refuses another depth", () => {
    expect(() => loadImageMae({ ...config, modalityDepth: 1 }, full, createRng(1))).toThrow(
      /of another size than the model: jointDepth is 2, not 1\./,
    );
    expect(() => loadImageMae({ ...config, modalityDepth: 3 }, full, createRng(1))).toThrow(
      /of another size than the model: jointDepth is 0, not 1\./,
    );
  });

  it("refuses what is no image MAE", () => {
    expect(() => loadImageMae(config, { pos_embed: random(10, 32) }, createRng(1))).toThrow(
      "loadImageMae: pos_embed is float32 [10, 32]. Give an image MAE checkpoint",
    );
  });
});
