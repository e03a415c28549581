import type { Frame } from "@kdc-mae/core";
import type { VideoSample } from "mediabunny";

/** A picture without its time. */
export type RgbPicture = Omit<Frame, "time">;

/** Share of red and of blue in brightness, by the name of a matrix; what names none is BT.601, as ffmpeg takes it. */
const brightness: Readonly<Record<string, readonly [red: number, blue: number]>> = {
  bt709: [0.2126, 0.0722],
  "bt2020-ncl": [0.2627, 0.0593],
};

/** Those of a matrix, and what each of its two colours, half a brightness at most, adds to red, green and blue. */
function weightsOf(matrix: string | null | undefined) {
  const [red, blue] = brightness[matrix ?? ""] ?? [0.299, 0.114];
  const green = 1 - red - blue;
  const [toRed, toBlue] = [2 * (1 - red), 2 * (1 - blue)];
  return { red, green, blue, toRed, toBlue, redToGreen: (toRed * red) / green, blueToGreen: (toBlue * blue) / green };
}

/** A picture's planes as its decoder gave them: brightness, and two colours at half its size. */
async function planesOf(frame: VideoFrame) {
  const { format, visibleRect } = frame;
  if ((format !== "I420" && format !== "NV12") || visibleRect === null) return undefined;
  const bytes = new Uint8Array(frame.allocationSize());
  const layout = await frame.copyTo(bytes);
  const [y, u, v] = layout;
  const isPairs = format === "NV12";
  return {
    ...{ bytes, y, width: visibleRect.width, height: visibleRect.height },
    blue: u,
    red: isPairs ? { offset: u.offset + 1, stride: u.stride } : v,
    step: isPairs ? 2 : 1,
  };
}

/** RGB of a frame's own planes (ITU-R BT.601, BT.709, BT.2020), so that every browser gives the same. */
async function converted(frame: VideoFrame, space: VideoColorSpaceInit): Promise<RgbPicture | undefined> {
  const planes = await planesOf(frame);
  if (planes === undefined) return undefined;
  const { bytes, y, blue, red, step, width, height } = planes;
  const [floor, bright, colour] = space.fullRange ? [0, 1, 1] : [16, 255 / 219, 255 / 224];
  const weights = weightsOf(space.matrix);
  const [toRed, toBlue] = [weights.toRed * colour, weights.toBlue * colour];
  const [greenRed, greenBlue] = [weights.redToGreen * colour, weights.blueToGreen * colour];
  const data = new Uint8ClampedArray(width * height * 3);
  for (let row = 0, to = 0; row < height; row++) {
    const [lights, half] = [y.offset + row * y.stride, row >> 1];
    for (let column = 0; column < width; column++, to += 3) {
      const at = (column >> 1) * step;
      const light = (bytes[lights + column] - floor) * bright;
      const u = bytes[blue.offset + half * blue.stride + at] - 128;
      const v = bytes[red.offset + half * red.stride + at] - 128;
      data[to] = light + toRed * v;
      data[to + 1] = light - greenRed * v - greenBlue * u;
      data[to + 2] = light + toBlue * u;
    }
  }
  return { width, height, data: new Uint8Array(data.buffer) };
}

/** Turned clockwise by quarters, then mirrored from left to right. */
function turned({ width, height, data }: RgbPicture, quarters: number, flip: boolean): RgbPicture {
  if (quarters === 0 && !flip) return { width, height, data };
  const [across, down] = quarters % 2 === 0 ? [width, height] : [height, width];
  const out = new Uint8Array(data.length);
  for (let row = 0, to = 0; row < down; row++) {
    for (let shown = 0; shown < across; shown++, to += 3) {
      const column = flip ? across - 1 - shown : shown;
      const [x, y] = [
        [column, row],
        [row, height - 1 - column],
        [width - 1 - column, height - 1 - row],
        [width - 1 - row, column],
      ][quarters];
      const from = 3 * (y * width + x);
      out[to] = data[from];
      out[to + 1] = data[from + 1];
      out[to + 2] = data[from + 2];
    }
  }
  return { width: across, height: down, data: out };
}

let canvas: OffscreenCanvas | undefined;

/** By a canvas, which takes every format and scales pixels that are not square; colours are the browser's. */
function drawn(sample: VideoSample, width: number, height: number): RgbPicture {
  canvas ??= new OffscreenCanvas(width, height);
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true }) as OffscreenCanvasRenderingContext2D;
  sample.draw(context, 0, 0, width, height);
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    data[to] = rgba[from];
    data[to + 1] = rgba[from + 1];
    data[to + 2] = rgba[from + 2];
  }
  return { width, height, data };
}

/**
 * What a browser made RGB of by one matrix as another would have made it. Firefox gives RGB alone, and takes BT.709 where
 * a file names nothing.
 */
function rematrixed(picture: RgbPicture, by: string | null | undefined, meant: string | null | undefined): RgbPicture {
  const [was, is] = [weightsOf(by), weightsOf(meant)];
  // Of RGB in the file itself nothing was made.
  if (was.red === is.red || !by || by === "rgb") return picture;
  const data = new Uint8ClampedArray(picture.data);
  for (let at = 0; at < data.length; at += 3) {
    const light = was.red * data[at] + was.green * data[at + 1] + was.blue * data[at + 2];
    const [v, u] = [(data[at] - light) / was.toRed, (data[at + 2] - light) / was.toBlue];
    data[at] = light + is.toRed * v;
    data[at + 1] = light - is.redToGreen * v - is.blueToGreen * u;
    data[at + 2] = light + is.toBlue * u;
  }
  return { ...picture, data: new Uint8Array(data.buffer) };
}

/** A picture as it is shown: turned, with square pixels, RGB. @param space what the file says of its colours */
export async function pictureOf(sample: VideoSample, space: VideoColorSpaceInit): Promise<RgbPicture> {
  const { displayWidth, displayHeight, rotation, flip, pixelAspectRatio, visibleRect } = sample;
  if (pixelAspectRatio.num === pixelAspectRatio.den && visibleRect.width > 0) {
    const frame = sample.toVideoFrame();
    try {
      const picture = await converted(frame, space);
      if (picture !== undefined) return turned(picture, rotation / 90, flip);
    } finally {
      frame.close();
    }
  }
  return rematrixed(drawn(sample, displayWidth, displayHeight), sample.colorSpace.matrix, space.matrix);
}
