import { type FloatTensor, float32, type HostPatches, type HostView, type PatchGrid } from "@kdc-mae/core";
import { cutFrame, cutSpectrogram } from "@kdc-mae/data";
import { batchViews, viewsFromDecks } from "@kdc-mae/masking";
import type { ModelConfig } from "@kdc-mae/model";
import type { Tensors } from "./reference-folder.js";

/** Item `b` of a batch, without the batch axis. */
function itemOf({ shape: [B, ...rest], data }: FloatTensor, b: number): FloatTensor {
  const length = data.length / B;
  return float32(rest, data.subarray(b * length, (b + 1) * length));
}

/** Pictures come as PyTorch holds them, `[C, H, W]`; the front end holds `[H, W, C]`. */
function channelsLast({ shape: [C, H, W], data }: FloatTensor): FloatTensor {
  const out = float32([H, W, C]);
  for (let c = 0; c < C; c++) for (let i = 0; i < H * W; i++) out.data[i * C + c] = data[c * H * W + i];
  return out;
}

function cutBatch(batch: FloatTensor, cut: (item: FloatTensor) => FloatTensor): FloatTensor {
  const B = batch.shape[0];
  const items = Array.from({ length: B }, (_, b) => cut(itemOf(batch, b)));
  const out = float32([B, ...items[0].shape]);
  for (const [b, { data }] of items.entries()) out.data.set(data, b * data.length);
  return out;
}

/** The clips of a folder (`audio [B, T, melBins]`, `imgs [B, 3, H, W]`), cut by the project's own front end. */
export function referencePatches(inputs: Tensors, { audio, visual }: ModelConfig): HostPatches {
  return {
    audio: cutBatch(inputs.audio as FloatTensor, (item) => cutSpectrogram(item, audio)),
    visual: cutBatch(inputs.imgs as FloatTensor, (item) => cutFrame(channelsLast(item), visual)),
  };
}

/** Which positions smaller noise puts first, for clip `b` of `noise [B, N]`. */
function deckOf({ shape: [, N], data }: FloatTensor, b: number): Int32Array {
  const row = data.subarray(b * N, (b + 1) * N);
  return Int32Array.from(row.keys()).sort((i, j) => row[i] - row[j]);
}

const visibleOf = (grid: PatchGrid, ratio: number) => Math.floor(grid.rows * grid.columns * (1 - ratio));

/** The views that the noise of a folder gives: slices of one deck, or the first slice of one deck per view. */
export function referenceViews(
  inputs: Tensors,
  config: ModelConfig,
  ratio: number,
  { views, disjoint }: { readonly views: number; readonly disjoint: boolean },
): readonly HostView[] {
  const visible = { audio: visibleOf(config.audio, ratio), visual: visibleOf(config.visual, ratio) };
  // A folder whose cases all have one view names its noise without a number.
  const noise = (letter: string, draw: number) => inputs[`noise_${letter}${draw}`] ?? inputs[`noise_${letter}`];
  const decks = (draw: number, b: number) => ({
    audio: deckOf(noise("a", draw) as FloatTensor, b),
    visual: deckOf(noise("v", draw) as FloatTensor, b),
  });
  const clips = Array.from({ length: inputs.audio.shape[0] }, (_, b) =>
    disjoint
      ? viewsFromDecks(decks(0, b), visible, views)
      : Array.from({ length: views }, (_, draw) => viewsFromDecks(decks(draw, b), visible, 1)[0]),
  );
  return batchViews(clips);
}
