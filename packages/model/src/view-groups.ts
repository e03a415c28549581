import { countPatches, expectShape, KdcError, type Modality, type View } from "@kdc-mae/core";
import { concat, reshape, slice, type Tensor2D, type Tensor3D } from "@tensorflow/tfjs-core";
import type { ModelConfig } from "./config.js";

/** Something for each modality. */
export type Both<T> = { readonly audio: T; readonly visual: T };

/** The same made for each modality. */
export const both = <T>(make: (modality: Modality) => T): Both<T> => ({
  audio: make("audio"),
  visual: make("visual"),
});

/** Checks that there are views, and that their shapes fit B and the grids. */
export function expectViews(where: string, config: ModelConfig, B: number, views: readonly View[]): void {
  if (views.length === 0) {
    throw new KdcError({ where, what: "there are no views", remedy: "Give at least one view", reason: "no-views" });
  }
  for (const [index, view] of views.entries()) {
    for (const modality of ["audio", "visual"] as const) {
      const { visible, hidden } = view[modality];
      const { K } = expectShape(where, `view ${index} ${modality}.visible`, visible, "B K", { B });
      const rest = countPatches(config[modality]) - K;
      expectShape(where, `view ${index} ${modality}.hidden`, hidden, "B hidden", { B, hidden: rest });
    }
  }
}

/** Views that show equally many patches, and so run as one batch; `indices` says where they stood in the list. */
export type ViewGroup = { readonly indices: readonly number[]; readonly views: readonly View[] };

export function groupViews(views: readonly View[]): readonly ViewGroup[] {
  const groups = new Map<string, number[]>();
  for (const [index, { audio, visual }] of views.entries()) {
    const key = `${audio.visible.shape[1]} ${visual.visible.shape[1]}`;
    groups.set(key, [...(groups.get(key) ?? []), index]);
  }
  return [...groups.values()].map((indices) => ({ indices, views: indices.map((index) => views[index]) }));
}

/** What V views show, `[B, V·K]` with one view after another: a reshape to `[B·V, K]` then needs no transpose. */
export const visibleSideBySide = (views: readonly View[]): Both<Tensor2D> =>
  both((modality) =>
    views.length === 1
      ? views[0][modality].visible
      : concat(
          views.map((view) => view[modality].visible),
          1,
        ),
  );

/** The same as a batch: `[B·V, K]`, all views of the first clip first. */
export function visibleAsBatch(views: readonly View[]): Both<Tensor2D> {
  const beside = visibleSideBySide(views);
  return both((modality) => {
    const [B, VK] = beside[modality].shape;
    return reshape(beside[modality], [B * views.length, VK / views.length]);
  });
}

/** The tokens of view `v` out of a batch of V: `[B·V, N, D]` → `[B, N, D]`. */
export function tokensOfView(tokens: Tensor3D, V: number, v: number): Tensor3D {
  if (V === 1) return tokens;
  const [BV, N, D] = tokens.shape;
  const B = BV / V;
  return reshape(slice(reshape(tokens, [B, V, N, D]), [0, v, 0, 0], [-1, 1, -1, -1]), [B, N, D]);
}
