import type { Pass } from "./fft.js";
import type { MelBank } from "./mel.js";

/** What the kernel is made for; sizes in samples and bins. */
export type KernelPlan = {
  readonly window: Float32Array;
  readonly shift: number;
  /** Padded frame: a power of two. */
  readonly size: number;
  readonly bank: MelBank;
  readonly melBins: number;
  readonly preemphasis: number;
  readonly energyFloor: number;
};

/** Frames that go through memory at once: a multiple of four. */
export const framesAtOnce = 256;
/** Bytes of a vector. */
export const v = 16;

// Locals: three parameters, whole numbers, vectors.
export const [samples, out, groups] = [0, 1, 2];
export const [counter, inner, x, y, z, p, q, r] = [3, 4, 5, 6, 7, 8, 9, 10];
export const ints = 8;
export const vec = (index: number) => 11 + index;
export const vectors = 20;

/** Where things lie in memory, in bytes. */
export function layout({ window, shift, size, bank, melBins }: KernelPlan, passes: readonly Pass[]) {
  let end = 0;
  const place = (bytes: number) => {
    const at = end;
    end += Math.ceil(bytes / v) * v;
    return at;
  };
  return {
    window: place(4 * window.length),
    twiddles: passes.map(({ twiddles }) => place(4 * twiddles.length)),
    weights: place(4 * (bank.weights.length + melBins)),
    filters: place(8 * melBins),
    lanes: place(2 * v),
    means: place(v),
    // What lies beyond the window in the first one stays zero.
    frames: [0, 1, 2].map(() => place(v * size)),
    power: place((v * size) / 2),
    samples: place(4 * ((framesAtOnce + 3) * shift + window.length)),
    out: place(4 * (framesAtOnce + 3) * melBins),
    total: () => end,
  };
}
export type Layout = ReturnType<typeof layout>;
