import type { Matrix } from "../matrix.js";
import type { Size } from "./box.js";
import { minMax, upsampleBilinear, upsampleNearest } from "./upsample.js";

/** How a map of similarities becomes a region, and how a region is compared with the truth. */
export type Scoring = {
  /** The protocol that says so in words. */
  readonly protocol: string;
  /** Grid `[rows, columns]` → picture `[height, width]`, 0–1. */
  enlarge(map: Matrix, size: Size): Matrix;
  /** Picture 0–1 → predicted pixels, 0 and 1. */
  region(picture: Matrix): Matrix;
  /** Predicted pixels and true pixels, each `[height, width]` of 0 and 1 → 0–1. */
  overlap(predicted: Matrix, truth: Matrix): number;
};

/** Pixels at or above the upper median: half of the picture (EZ-VSL, Mo & Morgado 2022). */
export function aboveMedian(picture: Matrix): Matrix {
  const threshold = picture.data.slice().sort()[Math.floor(picture.data.length / 2)];
  return { shape: picture.shape, data: picture.data.map((value) => (value >= threshold ? 1 : 0)) };
}

/** cIoU = Σ(pred·gt) / (Σgt + Σ(pred where gt = 0)). */
export function consensusIoU(predicted: Matrix, truth: Matrix): number {
  let [both, wanted, wrong] = [0, 0, 0];
  for (let i = 0; i < truth.data.length; i++) {
    both += predicted.data[i] * truth.data[i];
    wanted += truth.data[i];
    if (truth.data[i] === 0) wrong += predicted.data[i];
  }
  return both / (wanted + wrong);
}

/** The standard scoring. */
export const ezVsl: Scoring = {
  protocol: "localization-ez-vsl",
  enlarge: (map, size) => minMax(upsampleBilinear(map, size)),
  region: aboveMedian,
  overlap: consensusIoU,
};

/** Pixels above one half of the min–max map, nearest upsampling. For 0/1 truth cIoU is plain IoU. */
export const plainIoU: Scoring = {
  protocol: "localization-plain-iou",
  enlarge: (map, size) => minMax(upsampleNearest(map, size)),
  region: (picture) => ({ shape: picture.shape, data: picture.data.map((value) => (value > 0.5 ? 1 : 0)) }),
  overlap: consensusIoU,
};

/**
 * Area under the success curve that one clip contributes: the trapezoid over t = 0, 0.05 … 1 of [cIoU ≥ t]. The mean
 * over clips is EZ-VSL's AUC.
 */
export function successArea(ciou: number): number {
  let area = 0;
  for (let i = 0; i < 20; i++) {
    const ends = (ciou >= 0.05 * i ? 1 : 0) + (ciou >= 0.05 * (i + 1) ? 1 : 0);
    area += (0.05 * ends) / 2;
  }
  return area;
}

const bits = new Uint32Array(1);
const floats = new Float32Array(bits.buffer);

/** A float32 as an integer that sorts the same way. */
function sortable(value: number): number {
  // Adding 0 makes −0 equal to 0, as comparing would.
  floats[0] = value + 0;
  return bits[0] & 0x80000000 ? 0xffffffff - bits[0] : bits[0] + 0x80000000;
}

/** Average precision of a picture's pixels against the true ones; NaN without true pixels. */
export function pixelAveragePrecision(picture: Matrix, truth: Matrix): number {
  // Value and answer in one number, so that one typed-array sort orders both.
  const keys = Float64Array.from(picture.data, (value, i) => 2 * sortable(value) + truth.data[i]).sort();
  let [hits, seen, sum] = [0, 0, 0];
  for (let i = keys.length - 1; i >= 0; ) {
    const group = Math.floor(keys[i] / 2);
    let found = 0;
    for (; i >= 0 && Math.floor(keys[i] / 2) === group; i--) {
      found += keys[i] % 2;
      seen++;
    }
    hits += found;
    sum += (found * hits) / seen;
  }
  return sum / hits;
}
