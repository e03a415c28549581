import { readFileSync } from "node:fs";
import {
  audioGrid,
  countPatches,
  type FloatTensor,
  float32,
  type HostTensor,
  type IntTensor,
  int32,
  mapTree,
  type PatchGrid,
  patchLength,
  type Tree,
  type View,
  visualGrid,
} from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { parseSafetensors } from "./checkpoint/safetensors.js";
import type { ModelConfig } from "./config.js";

const folder = new URL("../../../fixtures/seed0/", import.meta.url);

/** Tensors of one file of the reference numbers (fixtures/seed0). */
export const golden = (name: string): Readonly<Record<string, HostTensor>> =>
  parseSafetensors(readFileSync(new URL(`${name}.safetensors`, folder))).tensors;

const sizes = JSON.parse(readFileSync(new URL("index.json", folder), "utf8")).config;

export const config: ModelConfig = {
  embedDim: sizes.embedDim,
  heads: sizes.heads,
  modalityDepth: sizes.modalityDepth,
  jointDepth: sizes.jointDepth,
  decoderDim: sizes.decoderDim,
  decoderHeads: sizes.decoderHeads,
  decoderDepth: sizes.decoderDepth,
  layerNormEpsilon: sizes.layerNormEps,
  positions: "fixed",
  audio: audioGrid(sizes.frames, sizes.melBins, sizes.patch),
  visual: visualGrid(sizes.imageSize, sizes.patch),
};

/** Every leaf as a tensor of the current backend. */
export const onDevice = <T>(tree: Tree<HostTensor>): T =>
  mapTree(tree, ({ data, shape, dtype }: HostTensor) => tf.tensor(data, [...shape], dtype)) as T;

/** Cuts pictures into patches; `at(b, y, x, c)` is where a value lies. */
function cut(
  B: number,
  grid: PatchGrid,
  data: Float32Array,
  at: (b: number, y: number, x: number, c: number) => number,
) {
  const { rows, columns, patch, channels } = grid;
  const out = float32([B, countPatches(grid), patchLength(grid)]);
  let next = 0;
  for (let b = 0; b < B; b++)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        for (let y = 0; y < patch; y++)
          for (let x = 0; x < patch; x++)
            for (let c = 0; c < channels; c++) {
              out.data[next++] = data[at(b, row * patch + y, column * patch + x, c)];
            }
  return out;
}

const inputs = golden("inputs");

/** The clips, cut: audio `[3, 24, 256]`, visual `[3, 9, 768]`. */
export function hostPatches(): { audio: FloatTensor; visual: FloatTensor } {
  const [B, T, F] = inputs.audio.shape;
  const [, C, H, W] = inputs.imgs.shape;
  return {
    audio: cut(B, config.audio, inputs.audio.data as Float32Array, (b, y, x) => (b * T + x) * F + y),
    visual: cut(B, config.visual, inputs.imgs.data as Float32Array, (b, y, x, c) => ((b * C + c) * H + y) * W + x),
  };
}

/** View `slice` of the deck that the noise of draw `draw` shuffles: `[B, K]` visible, `[B, N − K]` hidden. */
function positionsOf(letter: "a" | "v", draw: number, slice: number): { visible: IntTensor; hidden: IntTensor } {
  const noise = inputs[`noise_${letter}${draw}`];
  const [B, N] = noise.shape;
  const K = Math.floor(N * (1 - sizes.maskRatio));
  const visible: number[] = [];
  const hidden: number[] = [];
  for (let b = 0; b < B; b++) {
    const row = noise.data.subarray(b * N, (b + 1) * N);
    const deck = Array.from(row.keys()).sort((i, j) => row[i] - row[j]);
    const seen = deck.slice(slice * K, (slice + 1) * K);
    visible.push(...seen);
    hidden.push(...deck.filter((index) => !seen.includes(index)));
  }
  return { visible: int32([B, K], Int32Array.from(visible)), hidden: int32([B, N - K], Int32Array.from(hidden)) };
}

/** The views of a case: `complementary` slices of one deck, or one slice of each of several. */
export function views(count: number, kind: "complementary" | "independent"): View[] {
  return Array.from({ length: count }, (_, v) => {
    const [draw, slice] = kind === "independent" ? [v, 0] : [0, v];
    return onDevice<View>({ audio: positionsOf("a", draw, slice), visual: positionsOf("v", draw, slice) });
  });
}

/** ‖ours − reference‖ / ‖reference‖. */
export function relativeError(ours: tf.Tensor, reference: HostTensor): number {
  if (ours.shape.join() !== reference.shape.join()) return Number.POSITIVE_INFINITY;
  const data = ours.dataSync();
  let difference = 0;
  let size = 0;
  for (let i = 0; i < data.length; i++) {
    difference += (data[i] - reference.data[i]) ** 2;
    size += reference.data[i] ** 2;
  }
  return Math.sqrt(difference / size);
}
