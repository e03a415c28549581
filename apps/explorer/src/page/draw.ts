import type { FloatTensor, Frame, PatchGrid } from "@kdc-mae/core";

/** A canvas's drawing context, at a size of its own pixels. */
export function contextOf(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  Object.assign(canvas, { width, height });
  return canvas.getContext("2d") as CanvasRenderingContext2D;
}

/** RGB bytes `[height, width, 3]` as a picture. */
export function pictureOf({ width, height, data }: Pick<Frame, "width" | "height" | "data">): ImageData {
  const image = new ImageData(width, height);
  for (let pixel = 0, from = 0, to = 0; pixel < width * height; pixel++, from += 3, to += 4) {
    image.data[to] = data[from];
    image.data[to + 1] = data[from + 1];
    image.data[to + 2] = data[from + 2];
    image.data[to + 3] = 255;
  }
  return image;
}

/** Black over violet and orange to light yellow: brighter is more, for every eye. 0–1 → RGB 0–255. */
export function warmth(share: number): readonly [number, number, number] {
  const x = Math.min(1, Math.max(0, share));
  const red = 255 * Math.min(1, 1.9 * x);
  const green = 255 * Math.max(0, Math.min(1, 1.9 * (x - 0.42)));
  const blue = 255 * (x < 0.35 ? 1.5 * x : x < 0.7 ? 0.525 * (1 - (x - 0.35) / 0.35) : 2.2 * (x - 0.7));
  return [red, green, Math.min(255, blue)];
}

/** A spectrogram `[T, bins]`, time to the right and low tones below; values between `low` and `high` are told apart. */
export function drawSpectrogram({ shape: [T, bins], data }: FloatTensor, low: number, high: number): ImageData {
  const image = new ImageData(Math.max(1, T), bins);
  for (let t = 0; t < T; t++) {
    for (let bin = 0; bin < bins; bin++) {
      const at = 4 * ((bins - 1 - bin) * T + t);
      const [red, green, blue] = warmth((data[t * bins + bin] - low) / (high - low));
      image.data[at] = red;
      image.data[at + 1] = green;
      image.data[at + 2] = blue;
      image.data[at + 3] = 255;
    }
  }
  return image;
}

/** The smallest and largest value. */
export function spanOf(data: Float32Array): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return high > low ? [low, high] : [low, low + 1];
}

/** Covers hidden patches of a picture whose pixels are the grid's; sound has its low rows below. */
export function coverPatches(
  context: CanvasRenderingContext2D,
  grid: PatchGrid,
  hidden: Iterable<number>,
  upwards: boolean,
): void {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  context.fillStyle = dark ? "rgb(38 42 50 / 0.93)" : "rgb(228 230 236 / 0.93)";
  const { rows, columns, patch } = grid;
  for (const position of hidden) {
    const [row, column] = [Math.floor(position / columns), position % columns];
    context.fillRect(column * patch, (upwards ? rows - 1 - row : row) * patch, patch, patch);
  }
}

/** A waveform as the least and largest sample of each column. */
export function drawWaveform(canvas: HTMLCanvasElement, samples: Float32Array): void {
  const { width, height } = canvas;
  const context = contextOf(canvas, width, height);
  context.fillStyle = getComputedStyle(canvas).color;
  const per = Math.max(1, samples.length / width);
  const middle = height / 2;
  for (let x = 0; x < width; x++) {
    let [low, high] = [0, 0];
    for (let n = Math.floor(x * per); n < Math.min(samples.length, (x + 1) * per); n++) {
      if (samples[n] < low) low = samples[n];
      if (samples[n] > high) high = samples[n];
    }
    context.fillRect(x, middle - high * middle, 1, Math.max(1, (high - low) * middle));
  }
}
