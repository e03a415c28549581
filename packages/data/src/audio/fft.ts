import { KdcError } from "@kdc-mae/core";

/** Writes the power |X[k]|² of a real frame of `size` samples to `power`, for k = 0 … size/2 (size/2 + 1 values). */
export type PowerSpectrum = { readonly size: number; run(frame: Float64Array, power: Float64Array): void };

/**
 * Plans the power spectrum of real frames. A real transform of `size` is one complex transform of `size / 2` over
 * (even, odd) sample pairs, here a Stockham radix-4 transform (self-sorting, so there is no bit reversal), followed by
 * the usual split of the two halves. Tables are made once; running allocates nothing.
 *
 * @param size samples in a frame, a power of two of at least 4
 * @throws KdcError when `size` is not such a power of two
 */
export function planPowerSpectrum(size: number): PowerSpectrum {
  if (size < 4 || !Number.isInteger(Math.log2(size))) {
    throw new KdcError({
      where: "planPowerSpectrum",
      what: `the size is ${size}`,
      remedy: "Give a power of two of at least 4",
      reason: "shape",
    });
  }
  const half = size / 2;
  const cos = Float64Array.from({ length: half + 1 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
  const sin = Float64Array.from({ length: half + 1 }, (_, k) => -Math.sin((2 * Math.PI * k) / size));
  const real = [new Float64Array(half), new Float64Array(half)];
  const imaginary = [new Float64Array(half), new Float64Array(half)];
  const stages = planStages(half);

  const run = (frame: Float64Array, power: Float64Array): void => {
    let [re, otherRe] = real;
    let [im, otherIm] = imaginary;
    for (let n = 0; n < half; n++) {
      re[n] = frame[2 * n];
      im[n] = frame[2 * n + 1];
    }
    for (const stage of stages) {
      if (stage.radix === 2) radix2(stage.stride, re, im, otherRe, otherIm);
      else if (stage.count === 1) lastRadix4(stage.stride, re, im, otherRe, otherIm);
      else radix4(stage, re, im, otherRe, otherIm);
      [re, otherRe] = [otherRe, re];
      [im, otherIm] = [otherIm, im];
    }
    const sum = re[0] + im[0];
    const difference = re[0] - im[0];
    power[0] = sum * sum;
    power[half] = difference * difference;
    for (let k = 1; 2 * k <= half; k++) {
      const mirror = half - k;
      const evenRe = 0.5 * (re[k] + re[mirror]);
      const evenIm = 0.5 * (im[k] - im[mirror]);
      const oddRe = 0.5 * (im[k] + im[mirror]);
      const oddIm = 0.5 * (re[mirror] - re[k]);
      const turnedRe = oddRe * cos[k] - oddIm * sin[k];
      const turnedIm = oddRe * sin[k] + oddIm * cos[k];
      const lowRe = evenRe + turnedRe;
      const lowIm = evenIm + turnedIm;
      const highRe = evenRe - turnedRe;
      const highIm = evenIm - turnedIm;
      power[k] = lowRe * lowRe + lowIm * lowIm;
      power[mirror] = highRe * highRe + highIm * highIm;
    }
  };
  return { size, run };
}

type Stage = {
  readonly radix: 2 | 4;
  /** Distance between neighbours of one sub-transform. */
  readonly stride: number;
  /** Sub-transforms divided by the radix. */
  readonly count: number;
  /** Six numbers for each of `count`: w, w², w³ as cosine and sine. */
  readonly twiddles: Float64Array;
};

function planStages(length: number): readonly Stage[] {
  const stages: Stage[] = [];
  let [left, stride] = [length, 1];
  for (; left >= 4; left /= 4, stride *= 4) {
    const count = left / 4;
    const twiddles = new Float64Array(6 * count);
    for (let p = 0; p < count; p++) {
      for (let order = 1; order <= 3; order++) {
        const angle = (-2 * Math.PI * p * order) / left;
        twiddles[6 * p + 2 * order - 2] = Math.cos(angle);
        twiddles[6 * p + 2 * order - 1] = Math.sin(angle);
      }
    }
    stages.push({ radix: 4, stride, count, twiddles });
  }
  if (left === 2) stages.push({ radix: 2, stride, count: 1, twiddles: new Float64Array(0) });
  return stages;
}

function radix4(stage: Stage, re: Float64Array, im: Float64Array, toRe: Float64Array, toIm: Float64Array): void {
  const { stride, count, twiddles } = stage;
  const quarter = stride * count;
  for (let p = 0; p < count; p++) {
    const w1r = twiddles[6 * p];
    const w1i = twiddles[6 * p + 1];
    const w2r = twiddles[6 * p + 2];
    const w2i = twiddles[6 * p + 3];
    const w3r = twiddles[6 * p + 4];
    const w3i = twiddles[6 * p + 5];
    const end = stride * (p + 1);
    let to = 4 * stride * p;
    for (let from = stride * p; from < end; from++, to++) {
      const ar = re[from];
      const ai = im[from];
      const br = re[from + quarter];
      const bi = im[from + quarter];
      const cr = re[from + 2 * quarter];
      const ci = im[from + 2 * quarter];
      const dr = re[from + 3 * quarter];
      const di = im[from + 3 * quarter];
      const acr = ar + cr;
      const aci = ai + ci;
      const bdr = br + dr;
      const bdi = bi + di;
      toRe[to] = acr + bdr;
      toIm[to] = aci + bdi;
      const xr = ar - cr + (bi - di);
      const xi = ai - ci - (br - dr);
      toRe[to + stride] = w1r * xr - w1i * xi;
      toIm[to + stride] = w1r * xi + w1i * xr;
      const yr = acr - bdr;
      const yi = aci - bdi;
      toRe[to + 2 * stride] = w2r * yr - w2i * yi;
      toIm[to + 2 * stride] = w2r * yi + w2i * yr;
      const zr = ar - cr - (bi - di);
      const zi = ai - ci + (br - dr);
      toRe[to + 3 * stride] = w3r * zr - w3i * zi;
      toIm[to + 3 * stride] = w3r * zi + w3i * zr;
    }
  }
}

/** {@link radix4} where one sub-transform is left, whose twiddle factors are all 1. */
function lastRadix4(stride: number, re: Float64Array, im: Float64Array, toRe: Float64Array, toIm: Float64Array): void {
  for (let q = 0; q < stride; q++) {
    const acr = re[q] + re[q + 2 * stride];
    const aci = im[q] + im[q + 2 * stride];
    const amr = re[q] - re[q + 2 * stride];
    const ami = im[q] - im[q + 2 * stride];
    const bdr = re[q + stride] + re[q + 3 * stride];
    const bdi = im[q + stride] + im[q + 3 * stride];
    const bmr = re[q + stride] - re[q + 3 * stride];
    const bmi = im[q + stride] - im[q + 3 * stride];
    toRe[q] = acr + bdr;
    toIm[q] = aci + bdi;
    toRe[q + stride] = amr + bmi;
    toIm[q + stride] = ami - bmr;
    toRe[q + 2 * stride] = acr - bdr;
    toIm[q + 2 * stride] = aci - bdi;
    toRe[q + 3 * stride] = amr - bmi;
    toIm[q + 3 * stride] = ami + bmr;
  }
}

function radix2(stride: number, re: Float64Array, im: Float64Array, toRe: Float64Array, toIm: Float64Array): void {
  for (let q = 0; q < stride; q++) {
    toRe[q] = re[q] + re[q + stride];
    toIm[q] = im[q] + im[q + stride];
    toRe[q + stride] = re[q] - re[q + stride];
    toIm[q + stride] = im[q] - im[q + stride];
  }
}
