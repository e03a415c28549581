/** Which places of a picture its pixels stand for, as tfjs says it. */
export type PixelPlaces = { readonly alignCorners: boolean; readonly halfPixelCenters: boolean };

/** Where pixel `i` of `to` lies among `from` pixels. */
const place = (i: number, from: number, to: number, { alignCorners, halfPixelCenters }: PixelPlaces): number => {
  const scale = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
  return halfPixelCenters ? (i + 0.5) * scale - 0.5 : i * scale;
};

/** Resizing one axis is a matrix [to, from]; these are its rows. */
export const bilinearMatrix = (from: number, to: number, sampling: PixelPlaces): number[] => {
  const matrix = new Array<number>(to * from).fill(0);
  for (let i = 0; i < to; i++) {
    const at = Math.min(Math.max(place(i, from, to, sampling), 0), from - 1);
    const low = Math.floor(at);
    const high = Math.min(low + 1, from - 1);
    matrix[i * from + low] += 1 - (at - low);
    matrix[i * from + high] += at - low;
  }
  return matrix;
};

export const nearestMatrix = (from: number, to: number, sampling: PixelPlaces): number[] => {
  const matrix = new Array<number>(to * from).fill(0);
  for (let i = 0; i < to; i++) {
    const at = place(i, from, to, sampling) + (sampling.halfPixelCenters ? 0.5 : 0);
    const index = sampling.alignCorners ? Math.round(at) : Math.floor(at);
    matrix[i * from + Math.min(Math.max(index, 0), from - 1)] = 1;
  }
  return matrix;
};

/** Resizing one axis: a matrix [to, from], row after row. */
export type ResamplingMatrix = (from: number, to: number, sampling: PixelPlaces) => number[];
