import type { Encoded, Patches, View } from "@kdc-mae/core";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { PretrainOptions } from "./compat.js";
import type { ModelConfig } from "./config.js";
import { encodeVisible } from "./encoder.js";
import { expectPatches } from "./expect-patches.js";
import type { EncoderParams } from "./params.js";
import { expectViews, groupViews, tokensOfView, type ViewGroup, visibleSideBySide } from "./view-groups.js";

/** The streams of a group as one batch of B·V. */
export const encodeGroup = (
  config: ModelConfig,
  encoder: EncoderParams<Tensor>,
  patches: Patches,
  { views }: ViewGroup,
  options: PretrainOptions,
): Encoded => encodeVisible(config, encoder, patches, visibleSideBySide(views), views.length, options);

/** The streams of view `v` of a group. */
export const encodedOfView = (encoded: Encoded, V: number, v: number): Encoded =>
  Object.fromEntries(
    Object.entries(encoded).map(([stream, tokens]) => [stream, tokensOfView(tokens, V, v)]),
  ) as Encoded;

/**
 * Encodes every view without decoding any: what a moving-average teacher does.
 *
 * @param patches audio `[B, Na, Pa]`, visual `[B, Nv, Pv]`
 * @returns per view joint `[B, Ka + Kv, D]`, audio `[B, Ka, D]`, visual `[B, Kv, D]`
 * @throws KdcError where a shape does not fit the config
 */
export function encodeViews(
  config: ModelConfig,
  encoder: EncoderParams<Tensor>,
  patches: Patches,
  views: readonly View[],
  options: PretrainOptions = {},
): readonly Encoded[] {
  expectViews("encodeViews", config, expectPatches("encodeViews", config, patches), views);
  const made: Encoded[] = [];
  for (const group of groupViews(views)) {
    const encoded = encodeGroup(config, encoder, patches, group, options);
    for (const [v, index] of group.indices.entries()) made[index] = encodedOfView(encoded, group.views.length, v);
  }
  return made;
}
