import { describe, expect, it } from "vitest";
import { golden } from "../seed0.test.fixture.js";
import { isUnused } from "./unused.js";

/** What a KDC-MAE class has beyond a CAV-MAE class, listed from the official source (learned weighting on). */
function further(): string[] {
  const both = (name: string) => [`${name}.weight`, `${name}.bias`];
  const block = (name: string) => [
    ...["norm1", "norm1_a", "norm1_v", "norm2", "norm2_a", "norm2_v", "attn.proj", "mlp.fc1", "mlp.fc2"].flatMap(
      (part) => both(`${name}.0.${part}`),
    ),
    `${name}.0.attn.qkv.weight`,
    ...both(`${name}.1`),
  ];
  return [
    ...["decoder_embed_audio", "decoder_embed_video", "latent_projection", "kld_mlp.0", "kld_mlp.2"].flatMap(both),
    ...["dw_fc1", "dw_fc2", "dw_fc3", "dw_fc4", "fc"].flatMap(both),
    "mask_token_audio",
    "mask_token_video",
    "pos_embed_probs_a",
    "pos_embed_probs_v",
    ...block("probability_network.probability_network"),
    ...block("get_token_probs"),
  ];
}

describe("isUnused", () => {
  it("knows the 66 further names of a KDC-MAE file", () => {
    expect(further()).toHaveLength(66);
    expect(further().filter((name) => !isUnused(name))).toEqual([]);
  });

  it("knows the norms that only joint blocks use, 8 in each of 6 other blocks", () => {
    const unused = Object.keys(golden("weights")).filter(isUnused);
    expect(unused).toHaveLength(48);
    expect(unused.every((name) => /^(blocks_[av]|decoder_blocks)\.[01]\.norm[12]_[av]\./.test(name))).toBe(true);
  });

  it.each(["blocks_u.0.norm1_a.weight", "norm_a.weight", "blocks_a.0.norm1.weight", "my_decoder_embed_audio.weight"])(
    "leaves %s alone",
    (name) => expect(isUnused(name)).toBe(false),
  );
});
