import { countPatches, float32, type HostPatches, type HostTensor, patchLength } from "@kdc-mae/core";
import type { ModelConfig } from "@kdc-mae/model";
import { readCheckpoint } from "@kdc-mae/model/node";
import { expect } from "vitest";

/** Archives and numbers made with the official classes; see make.py there. */
export const fixtures = new URL("../../../../../fixtures/official/", import.meta.url);

/** What an official class made of {@link patchesFor}. */
export const expected = async (name: string) =>
  (await readCheckpoint(new URL(`${name}.safetensors`, fixtures).pathname)).tensors;

/** As make.py's: the upper 12 bits of a product modulo 2^32, from -2 to 2. */
const numbers = (index: number, shift: number) => (Math.imul(index + shift, 2654435761) >>> 20) / 1024 - 2;

/** The same spectrogram and picture as the official class was given, as patches. */
export function patchesFor({ audio, visual }: ModelConfig): HostPatches {
  const cut = (grid: ModelConfig["audio"], value: (y: number, x: number, channel: number) => number) => {
    const { columns, patch, channels } = grid;
    const out = float32([1, countPatches(grid), patchLength(grid)]);
    for (let i = 0; i < out.data.length; i++) {
      const [n, p] = [Math.floor(i / patchLength(grid)), i % patchLength(grid)];
      const [y, x] = [Math.floor(p / channels / patch), Math.floor(p / channels) % patch];
      out.data[i] = value(Math.floor(n / columns) * patch + y, (n % columns) * patch + x, p % channels);
    }
    return out;
  };
  return {
    audio: cut(audio, (mel, time) => numbers(time * 128 + mel, 1)),
    visual: cut(visual, (y, x, channel) => numbers((channel * 64 + y) * 64 + x, 99)),
  };
}

/** Largest difference. */
export const worst = (ours: ArrayLike<number>, theirs: HostTensor): number => {
  expect(ours.length).toBe(theirs.data.length);
  return Math.max(...Array.from(theirs.data, (value, index) => Math.abs(value - ours[index])));
};
