import { type Box, expectShape, KdcError, type PatchGrid } from "@kdc-mae/core";
import { expectMatrix, type Matrix } from "../matrix.js";
import { heatColours, type Rgb, spectrumColours } from "./colour-map.js";

const veil: Rgb = [150, 153, 150];

/** RGB, 0–255, `data` runs [height, width, 3] from the top left. */
export type Picture = { readonly width: number; readonly height: number; readonly data: Uint8Array };

const blank = (width: number, height: number): Picture => ({ width, height, data: new Uint8Array(3 * width * height) });

function paint(picture: Picture, x: number, y: number, [red, green, blue]: Rgb, opacity = 1): void {
  const at = 3 * (y * picture.width + x);
  picture.data[at] += opacity * (red - picture.data[at]);
  picture.data[at + 1] += opacity * (green - picture.data[at + 1]);
  picture.data[at + 2] += opacity * (blue - picture.data[at + 2]);
}

/**
 * A spectrogram in colours, low frequencies at the bottom.
 *
 * @param values `[F, T]`, frequency (low first) by time
 * @param range values drawn darkest and brightest; default the lowest and highest. Pass the original's range for a
 *   reconstruction, so that the two can be compared.
 */
export function spectrogramPicture(values: Matrix, range?: readonly [low: number, high: number]): Picture {
  const { F, T } = expectMatrix("spectrogramPicture", "values", values, "F T");
  const [low, high] = range ?? spectrogramRange(values);
  const picture = blank(T, F);
  for (let f = 0; f < F; f++) {
    for (let t = 0; t < T; t++) {
      paint(picture, t, F - 1 - f, spectrumColours((values.data[f * T + t] - low) / (high - low || 1)));
    }
  }
  return picture;
}

/** The lowest and the highest value of a spectrogram. */
export function spectrogramRange(values: Matrix): readonly [low: number, high: number] {
  return [
    values.data.reduce((least, value) => Math.min(least, value), Infinity),
    values.data.reduce((most, value) => Math.max(most, value), -Infinity),
  ];
}

/**
 * A frame as it went into the model, back in colours: value · deviation + mean, per channel.
 *
 * @param values `[H, W, 3]`, normalised
 */
export function framePicture(
  values: { readonly shape: readonly number[]; readonly data: Float32Array },
  mean: Rgb = [0.485, 0.456, 0.406],
  deviation: Rgb = [0.229, 0.224, 0.225],
): Picture {
  const { H, W } = expectShape("framePicture", "values", values, "H W 3");
  const data = Uint8Array.from(values.data, (value, i) =>
    Math.round(255 * Math.min(1, Math.max(0, value * deviation[i % 3] + mean[i % 3]))),
  );
  return { width: W, height: H, data };
}

/**
 * The picture as a view sees it: hidden patches are grey.
 *
 * @param visible places of the seen patches in the grid
 * @param firstRow where the grid's row 0 lies: `top` for frames, `bottom` for spectrograms
 */
export function maskedPicture(
  picture: Picture,
  grid: Pick<PatchGrid, "rows" | "columns">,
  visible: ArrayLike<number>,
  firstRow: "top" | "bottom",
): Picture {
  const [tall, wide] = [picture.height / grid.rows, picture.width / grid.columns];
  if (!Number.isInteger(tall) || !Number.isInteger(wide)) {
    throw new KdcError({
      where: "maskedPicture",
      what: `a picture of ${picture.width} × ${picture.height} does not divide into ${grid.columns} × ${grid.rows} patches`,
      remedy: "Pass the picture in the size that the model sees",
      reason: "shape",
    });
  }
  const seen = new Set(Array.from(visible));
  const masked = { ...picture, data: picture.data.slice() };
  for (let y = 0; y < picture.height; y++) {
    const fromTop = Math.floor(y / tall);
    const row = firstRow === "top" ? fromTop : grid.rows - 1 - fromTop;
    for (let x = 0; x < picture.width; x++) {
      if (!seen.has(row * grid.columns + Math.floor(x / wide))) paint(masked, x, y, veil);
    }
  }
  return masked;
}

/** How much of what is below a heat of 0–1 covers. */
const heatCover = (value: number): number => 0.1 + 0.6 * value;

/** The heat of {@link heatPicture} alone, RGBA, height × width × 4 bytes, to be laid over something. `heat [H, W]`, 0–1. */
export function heatLayer(heat: Matrix): Uint8Array {
  const { H, W } = expectMatrix("heatLayer", "heat", heat, "H W");
  const layer = new Uint8Array(4 * H * W);
  for (const [at, value] of heat.data.entries()) {
    layer.set([...heatColours(value), Math.round(255 * heatCover(value))], 4 * at);
  }
  return layer;
}

/** Heat laid over a picture: the hotter, the more it covers. `heat [H, W]`, 0–1, in the picture's size. */
export function heatPicture(picture: Picture, heat: Matrix): Picture {
  expectMatrix("heatPicture", "heat", heat, "H W", { H: picture.height, W: picture.width });
  const over = { ...picture, data: picture.data.slice() };
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < picture.width; x++) {
      const value = heat.data[y * picture.width + x];
      paint(over, x, y, heatColours(value), heatCover(value));
    }
  }
  return over;
}

/** The outline of a box, white inside a dark rim, so that it shows on anything. */
export function boxPicture(picture: Picture, box: Box): Picture {
  const drawn = { ...picture, data: picture.data.slice() };
  const outline = (grow: number, colour: Rgb) => {
    const clamp = (value: number, below: number) => Math.min(below - 1, Math.max(0, Math.round(value)));
    const [left, right] = [clamp(box.x - grow, picture.width), clamp(box.x + box.width - 1 + grow, picture.width)];
    const [top, bottom] = [clamp(box.y - grow, picture.height), clamp(box.y + box.height - 1 + grow, picture.height)];
    for (let x = left; x <= right; x++) for (const y of [top, bottom]) paint(drawn, x, y, colour);
    for (let y = top; y <= bottom; y++) for (const x of [left, right]) paint(drawn, x, y, colour);
  };
  outline(1, [20, 20, 24]);
  outline(-1, [20, 20, 24]);
  outline(0, [255, 255, 255]);
  return drawn;
}

/** A picture in another size, every pixel that of the nearest place: cells stay cells. */
export function resizePicture({ width, height, data }: Picture, across: number, down: number): Picture {
  const resized = blank(across, down);
  for (let y = 0; y < down; y++) {
    const row = Math.floor((y * height) / down) * width;
    for (let x = 0; x < across; x++) {
      const from = 3 * (row + Math.floor((x * width) / across));
      resized.data.set(data.subarray(from, from + 3), 3 * (y * across + x));
    }
  }
  return resized;
}

/** Pictures of one width below each other, as one. */
export function stackPictures(pictures: readonly Picture[]): Picture {
  const width = pictures[0]?.width ?? 0;
  const uneven = pictures.find((picture) => picture.width !== width);
  if (pictures.length === 0 || uneven !== undefined) {
    throw new KdcError({
      where: "stackPictures",
      what: uneven === undefined ? "there are no pictures" : `widths ${width} and ${uneven.width} do not fit`,
      remedy: "Pass at least one picture, all of one width",
      reason: "shape",
    });
  }
  const stacked = blank(
    width,
    pictures.reduce((sum, picture) => sum + picture.height, 0),
  );
  let at = 0;
  for (const { data } of pictures) {
    stacked.data.set(data, at);
    at += data.length;
  }
  return stacked;
}

/** Pictures of one height side by side, as one: an animated strip, or a row. */
export function joinPictures(pictures: readonly Picture[]): Picture {
  const height = pictures[0]?.height ?? 0;
  const uneven = pictures.find((picture) => picture.height !== height);
  if (pictures.length === 0 || uneven !== undefined) {
    throw new KdcError({
      where: "joinPictures",
      what: uneven === undefined ? "there are no pictures" : `heights ${height} and ${uneven.height} do not fit`,
      remedy: "Pass at least one picture, all of one height",
      reason: "shape",
    });
  }
  const joined = blank(
    pictures.reduce((sum, picture) => sum + picture.width, 0),
    height,
  );
  for (let y = 0; y < height; y++) {
    let at = 3 * y * joined.width;
    for (const { data, width } of pictures) {
      joined.data.set(data.subarray(3 * y * width, 3 * (y + 1) * width), at);
      at += 3 * width;
    }
  }
  return joined;
}
