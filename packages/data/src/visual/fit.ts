import { centreCrop, type Frame, KdcError } from "@kdc-mae/core";

/**
 * Resizes a picture so that its shorter side has `size` pixels (bicubic, a = −½, widened when shrinking so that fine
 * detail is averaged and not skipped, as Pillow does) and cuts the square in its middle.
 *
 * @param size pixels
 * @returns a frame of `size` × `size`
 */
export function fit(frame: Frame, size: number): Frame {
  const { width, height } = frame;
  if (width < 1 || height < 1 || size < 1 || frame.data.length !== width * height * 3) {
    throw new KdcError({
      where: "fit",
      what: `a frame of ${width} × ${height} with ${frame.data.length} bytes cannot be fitted to ${size} pixels`,
      remedy: "Give width × height × 3 bytes of RGB and a positive size",
      reason: "shape",
    });
  }
  if (width === size && height === size) return frame;
  const shorter = Math.min(width, height);
  const across = planAxis(width, Math.floor((size * width) / shorter), size);
  const down = planAxis(height, Math.floor((size * height) / shorter), size);
  const narrow = new Uint8ClampedArray(height * size * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < size; x++) {
      blend(frame.data, (y * width + across.first[x]) * 3, 3, across, x, narrow, (y * size + x) * 3);
    }
  }
  const square = new Uint8ClampedArray(size * size * 3);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      blend(narrow, (down.first[y] * size + x) * 3, size * 3, down, y, square, (y * size + x) * 3);
    }
  }
  return { width: size, height: size, time: frame.time, data: new Uint8Array(square.buffer) };
}

/** For each of the cropped output pixels of one axis: the first input pixel it needs, and the weights from there. */
type Axis = { readonly first: Int32Array; readonly weights: readonly Float64Array[] };

function planAxis(from: number, to: number, size: number): Axis {
  const scale = from / to;
  const widening = Math.max(scale, 1);
  const crop = centreCrop(to, size);
  const first = new Int32Array(size);
  const weights = Array.from({ length: size }, (_, index) => {
    const centre = (index + crop + 0.5) * scale;
    const start = Math.max(0, Math.floor(centre - 2 * widening + 0.5));
    const end = Math.min(from, Math.floor(centre + 2 * widening + 0.5));
    first[index] = start;
    const raw = Float64Array.from({ length: end - start }, (_, k) => cubic((start + k + 0.5 - centre) / widening));
    const sum = raw.reduce((total, value) => total + value, 0);
    return raw.map((value) => value / sum);
  });
  return { first, weights };
}

/** Keys' cubic convolution kernel with a = −½. */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/** One output pixel as the weighted sum of input pixels `step` bytes apart. */
function blend(
  from: Uint8Array | Uint8ClampedArray,
  start: number,
  step: number,
  axis: Axis,
  index: number,
  to: Uint8ClampedArray,
  at: number,
): void {
  let [red, green, blue] = [0, 0, 0];
  let offset = start;
  for (const weight of axis.weights[index]) {
    red += weight * from[offset];
    green += weight * from[offset + 1];
    blue += weight * from[offset + 2];
    offset += step;
  }
  to[at] = red;
  to[at + 1] = green;
  to[at + 2] = blue;
}
