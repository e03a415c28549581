import { KdcError } from "@kdc-mae/core";

/** Writes the power |X[k]|² of a real frame of `size` samples to `power`, for k = 0 … size/2 (size/2 + 1 values). */
export type PowerSpectrum = { readonly size: number; run(frame: Float32Array, power: Float32Array): void };

/**
 * One pass of the transform: the `count` · radix sub-transforms of `span` numbers are joined into `count` of
 * radix · `span`. A sub-transform is kept as its real part at 0, then real and imaginary parts by turns, then the real
 * part at its Nyquist frequency where `span` is even.
 */
export type Pass = {
  readonly radix: 2 | 4;
  readonly span: number;
  readonly count: number;
  /** For each pair 1 … (span − 1) / 2 the factors of inputs 1 … radix − 1, cosine and sine. */
  readonly twiddles: Float32Array;
};

/**
 * The passes of a real transform: radix 4, and one of radix 2 at the end where the size is no power of 4.
 *
 * @param size samples in a frame, a power of two of at least 4
 * @throws KdcError when `size` is not such a power of two
 */
export function planPasses(size: number): readonly Pass[] {
  if (size < 4 || !Number.isInteger(Math.log2(size))) {
    throw new KdcError({
      where: "planPowerSpectrum",
      what: `the size is ${size}`,
      remedy: "Give a power of two of at least 4",
      reason: "shape",
    });
  }
  const passes: Pass[] = [];
  for (let span = 1; span < size; ) {
    const radix = size / span === 2 ? 2 : 4;
    const count = size / span / radix;
    const angles = Array.from({ length: Math.floor((span - 1) / 2) }, (_, pair) =>
      Array.from({ length: radix - 1 }, (_, input) => (2 * Math.PI * (input + 1) * count * (pair + 1)) / size),
    );
    const twiddles = Float32Array.from(angles.flat().flatMap((angle) => [Math.cos(angle), Math.sin(angle)]));
    passes.push({ radix, span, count, twiddles });
    span *= radix;
  }
  return passes;
}

/** √½ in float32. */
export const rootHalf: number = Math.fround(Math.SQRT1_2);

/**
 * Transforms a real frame of `size` samples, X[k] = Σ x[n] e^(−2πikn/size). What is returned is the plan's own and is
 * overwritten by the next run: the real part at 0, then real and imaginary part of k = 1 … size/2 − 1 by turns, then the
 * real part at size/2.
 */
export type RealTransform = { readonly size: number; run(frame: Float32Array): Float32Array };

/**
 * Plans the transform of real frames, in float32 and with the operations in the order of FFTPACK's real transform
 * (Swarztrauber 1982; pocketfft, which PyTorch and NumPy use, keeps that order). More than 75 dB below the loudest bin
 * of a frame a spectrum in float32 is mostly rounding, so only the same order gives the same numbers there. Tables are
 * made once; running allocates nothing.
 *
 * @param size samples in a frame, a power of two of at least 4
 * @throws KdcError when `size` is not such a power of two
 */
export function planTransform(size: number): RealTransform {
  const passes = planPasses(size);
  const buffers = [new Float32Array(size), new Float32Array(size)];
  const run = (frame: Float32Array): Float32Array => {
    let [from, to] = buffers;
    from.set(frame.subarray(0, size));
    for (const pass of passes) {
      if (pass.radix === 4) radix4(pass, from, to);
      else radix2(pass, from, to);
      [from, to] = [to, from];
    }
    return from;
  };
  return { size, run };
}

/** Plans the power spectrum of real frames, by {@link planTransform}. @throws KdcError as it does */
export function planPowerSpectrum(size: number): PowerSpectrum {
  const transform = planTransform(size);
  const run = (frame: Float32Array, power: Float32Array): void => {
    const packed = transform.run(frame);
    power[0] = packed[0] * packed[0];
    power[size / 2] = packed[size - 1] * packed[size - 1];
    for (let k = 1; k < size / 2; k++) {
      power[k] = packed[2 * k - 1] * packed[2 * k - 1] + packed[2 * k] * packed[2 * k];
    }
  };
  return { size, run };
}

// Sums, differences and products of float32 numbers, made in float64 and rounded once, are those of float32.
const f = Math.fround;

function radix4({ span, count, twiddles }: Pass, from: Float32Array, to: Float32Array): void {
  const [last, second, third, step] = [span - 1, span, 2 * span, span * count];
  for (let k = 0; k < count; k++) {
    const [a, b, c, d] = [k * span, k * span + step, k * span + 2 * step, k * span + 3 * step];
    const out = 4 * k * span;
    const odd = f(from[d] + from[b]);
    const even = f(from[a] + from[c]);
    to[out] = even + odd;
    to[out + third + second + last] = even - odd;
    to[out + second + last] = from[a] - from[c];
    to[out + third] = from[d] - from[b];
    if (span === 1) continue;
    const sum = f(-rootHalf * f(from[b + last] + from[d + last]));
    const difference = f(rootHalf * f(from[b + last] - from[d + last]));
    to[out + last] = from[a + last] + difference;
    to[out + third + last] = from[a + last] - difference;
    to[out + third + second] = sum + from[c + last];
    to[out + second] = sum - from[c + last];
    for (let re = 1, w = 0; re < last; re += 2, w += 6) {
      const im = re + 1;
      const mirror = second - 2 - re;
      const br = f(f(twiddles[w] * from[b + re]) + f(twiddles[w + 1] * from[b + im]));
      const bi = f(f(twiddles[w] * from[b + im]) - f(twiddles[w + 1] * from[b + re]));
      const cr = f(f(twiddles[w + 2] * from[c + re]) + f(twiddles[w + 3] * from[c + im]));
      const ci = f(f(twiddles[w + 2] * from[c + im]) - f(twiddles[w + 3] * from[c + re]));
      const dr = f(f(twiddles[w + 4] * from[d + re]) + f(twiddles[w + 5] * from[d + im]));
      const di = f(f(twiddles[w + 4] * from[d + im]) - f(twiddles[w + 5] * from[d + re]));
      const oddRe = f(dr + br);
      const turnedIm = f(dr - br);
      const oddIm = f(bi + di);
      const turnedRe = f(bi - di);
      const evenRe = f(from[a + re] + cr);
      const restRe = f(from[a + re] - cr);
      const evenIm = f(from[a + im] + ci);
      const restIm = f(from[a + im] - ci);
      to[out + re] = evenRe + oddRe;
      to[out + third + second + mirror] = evenRe - oddRe;
      to[out + im] = oddIm + evenIm;
      to[out + third + second + mirror + 1] = oddIm - evenIm;
      to[out + third + re] = restRe + turnedRe;
      to[out + second + mirror] = restRe - turnedRe;
      to[out + third + im] = turnedIm + restIm;
      to[out + second + mirror + 1] = turnedIm - restIm;
    }
  }
}

/** The last pass: there is one pair of sub-transforms. */
function radix2({ span, twiddles }: Pass, from: Float32Array, to: Float32Array): void {
  const last = span - 1;
  to[0] = from[0] + from[span];
  to[span + last] = from[0] - from[span];
  to[span] = -from[span + last];
  to[last] = from[last];
  for (let re = 1, w = 0; re < last; re += 2, w += 2) {
    const im = re + 1;
    const mirror = 2 * span - 2 - re;
    const turnedRe = f(f(twiddles[w] * from[span + re]) + f(twiddles[w + 1] * from[span + im]));
    const turnedIm = f(f(twiddles[w] * from[span + im]) - f(twiddles[w + 1] * from[span + re]));
    to[re] = from[re] + turnedRe;
    to[mirror] = from[re] - turnedRe;
    to[im] = turnedIm + from[im];
    to[mirror + 1] = turnedIm - from[im];
  }
}
