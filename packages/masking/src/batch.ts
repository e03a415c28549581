import { type ClipView, type HostView, type IntTensor, int32, KdcError, type Modality } from "@kdc-mae/core";

/**
 * Packs the views of B clips into the model's index tensors.
 *
 * @param perClip the V views of each clip, as a {@link Masker} gives them
 * @returns V views, each with `visible [B, K]` and `hidden [B, N−K]` per modality, int32
 * @throws KdcError if there are no clips, or clips differ in V, K or N
 *
 * @example
 * ```ts
 * import { audioGrid, createRng, visualGrid } from "@kdc-mae/core";
 * import { batchViews, complementaryViews } from "@kdc-mae/masking";
 *
 * const grids = { audio: audioGrid(1024, 128, 16), visual: visualGrid(224, 16) };
 * const masker = complementaryViews();
 * const views = batchViews([1, 2, 3].map((clip) => masker(grids, createRng(clip)))); // two views of three clips
 * ```
 */
export function batchViews(perClip: readonly (readonly ClipView[])[]): readonly HostView[] {
  if (perClip.length === 0) {
    throw new KdcError({
      where: "batchViews",
      what: "there are no clips",
      remedy: "Give the views of at least one clip",
      reason: "empty-batch",
    });
  }
  const views = perClip[0].length;
  const uneven = perClip.findIndex((clip) => clip.length !== views);
  if (uneven >= 0) {
    throw new KdcError({
      where: "batchViews",
      what: `clip 0 has ${views} views and clip ${uneven} has ${perClip[uneven].length}`,
      remedy: "Mask all clips of a batch with the same masker",
      reason: "uneven-views",
    });
  }
  return perClip[0].map((_, view) => {
    const pack = (modality: Modality) => ({
      visible: stack(
        `${modality} visible`,
        view,
        perClip.map((clip) => clip[view][modality].visible),
      ),
      hidden: stack(
        `${modality} hidden`,
        view,
        perClip.map((clip) => clip[view][modality].hidden),
      ),
    });
    return { audio: pack("audio"), visual: pack("visual") };
  });
}

function stack(name: string, view: number, rows: readonly Int32Array[]): IntTensor {
  const length = rows[0].length;
  const packed = int32([rows.length, length]);
  for (const [clip, row] of rows.entries()) {
    if (row.length !== length) {
      throw new KdcError({
        where: "batchViews",
        what: `view ${view} has ${length} ${name} patches in clip 0 and ${row.length} in clip ${clip}`,
        remedy: "Mask all clips of a batch with the same masker and grids",
        reason: "uneven-views",
      });
    }
    packed.data.set(row, clip * length);
  }
  return packed;
}
