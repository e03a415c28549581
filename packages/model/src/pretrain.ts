import {
  countPatches,
  type Evidence,
  expectShape,
  KdcError,
  type Patches,
  patchLength,
  type View,
  type ViewEvidence,
} from "@kdc-mae/core";
import { concat, reshape, slice, type Tensor, type Tensor2D, type Tensor3D } from "@tensorflow/tfjs-core";
import type { ModelConfig } from "./config.js";
import { decode } from "./decoder.js";
import { encodeVisible } from "./encoder.js";
import type { ModelParams } from "./params.js";

/** `compat: "official"` seats the tokens of every view on the positions of the first, as the released code does. */
export type PretrainOptions = { readonly compat?: "official" };

const modalities = ["audio", "visual"] as const;

/** Checks that patches fit the grids of the config; returns B. */
export function expectPatches(where: string, config: ModelConfig, patches: Partial<Patches>): number {
  let known: Record<string, number> = {};
  for (const modality of modalities) {
    const value = patches[modality];
    if (value === undefined) continue;
    const grid = config[modality];
    const pattern = `B ${countPatches(grid)} ${patchLength(grid)}`;
    known = expectShape(where, `${modality} patches`, value, pattern, known);
  }
  return known.B;
}

function checkViews(config: ModelConfig, B: number, views: readonly View[]): void {
  const where = "pretrainForward";
  if (views.length === 0) {
    throw new KdcError({ where, what: "there are no views", remedy: "Give at least one view", reason: "no-views" });
  }
  for (const [index, view] of views.entries()) {
    for (const modality of modalities) {
      const { visible, hidden } = view[modality];
      const { K } = expectShape(where, `view ${index} ${modality}.visible`, visible, "B K", { B });
      const rest = countPatches(config[modality]) - K;
      expectShape(where, `view ${index} ${modality}.hidden`, hidden, "B hidden", { B, hidden: rest });
    }
  }
}

/** Views that show equally many patches, with where they stood in the list. */
function groupsOf(views: readonly View[]): (readonly [index: number, view: View][])[] {
  const groups = new Map<string, [number, View][]>();
  for (const [index, view] of views.entries()) {
    const key = `${view.audio.visible.shape[1]} ${view.visual.visible.shape[1]}`;
    groups.set(key, [...(groups.get(key) ?? []), [index, view]]);
  }
  return [...groups.values()];
}

/** `[B, K]` of V views → `[B, V·K]`, so that a reshape to `[B·V, K]` needs no transpose. */
const sideBySide = (views: readonly View[], modality: "audio" | "visual"): Tensor2D =>
  views.length === 1
    ? views[0][modality].visible
    : concat(
        views.map((view) => view[modality].visible),
        1,
      );

/** The tokens of view `v` out of a batch of `B·V`. */
function ofView(tokens: Tensor3D, views: number, v: number): Tensor3D {
  if (views === 1) return tokens;
  const [BV, N, D] = tokens.shape;
  const B = BV / views;
  return reshape(slice(reshape(tokens, [B, views, N, D]), [0, v, 0, 0], [-1, 1, -1, -1]), [B, N, D]);
}

const both = <T>(make: (modality: "audio" | "visual") => T): { readonly audio: T; readonly visual: T } => ({
  audio: make("audio"),
  visual: make("visual"),
});

/**
 * Encodes and decodes every view of a batch. Views that show equally many patches run as one batch of B·V.
 *
 * @param patches audio `[B, Na, Pa]`, visual `[B, Nv, Pv]`
 * @param views V views; `visible [B, K]` and `hidden [B, N−K]` for each modality
 * @throws KdcError where a shape does not fit the config
 */
export function pretrainForward(
  config: ModelConfig,
  params: ModelParams<Tensor>,
  patches: Patches,
  views: readonly View[],
  options: PretrainOptions = {},
): Evidence {
  const B = expectPatches("pretrainForward", config, patches);
  checkViews(config, B, views);
  const made: ViewEvidence[] = [];
  for (const group of groupsOf(views)) {
    const own = group.map(([, view]) => view);
    const V = own.length;
    const visible = both((modality) => sideBySide(own, modality));
    const encoded = encodeVisible(config, params.encoder, patches, visible, V);
    const seated = options.compat === "official" ? own.map(() => own[0]) : own;
    const seats = both((modality) => {
      const positions = sideBySide(seated, modality);
      return reshape(positions, [B * V, positions.shape[1] / V]) as Tensor2D;
    });
    const reconstruction = decode(config, params.decoder, encoded.joint, seats);
    for (const [v, [index, view]] of group.entries()) {
      made[index] = {
        view,
        encoded: {
          joint: ofView(encoded.joint, V, v),
          audio: ofView(encoded.audio, V, v),
          visual: ofView(encoded.visual, V, v),
        },
        reconstruction: both((modality) => ofView(reconstruction[modality], V, v)),
      };
    }
  }
  return { patches, views: made };
}
