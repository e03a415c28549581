import { type Frame, KdcError } from "@kdc-mae/core";
import type Sharp from "sharp";

let loaded: Promise<typeof Sharp> | undefined;
/** Loaded for the first picture that needs it: its native libraries take longer to load than most commands' own code. */
const loadSharp = (): Promise<typeof Sharp> => {
  loaded ??= import("sharp").then(({ default: sharp }) => {
    // Clips are worked on side by side already; more threads for one small picture only get in each other's way.
    sharp.concurrency(1);
    sharp.cache(false);
    return sharp;
  });
  return loaded;
};

/** How a picture is kept: JPEG of a quality from 1 to 100, or PPM, which is the bare pixels below a short heading. */
export type PictureFormat = { readonly kind: "jpeg"; readonly quality: number } | { readonly kind: "ppm" };

export const pictureExtension = ({ kind }: PictureFormat): string => (kind === "jpeg" ? "jpg" : "ppm");

/** A picture as a JPEG (no colour subsampling) or PPM file. */
export async function encodePicture({ width, height, data }: Frame, format: PictureFormat): Promise<Uint8Array> {
  if (format.kind === "ppm") return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), data]);
  const sharp = await loadSharp();
  const picture = sharp(data, { raw: { width, height, channels: 3 } });
  return picture.jpeg({ quality: format.quality, chromaSubsampling: "4:4:4" }).toBuffer();
}

/** Largest picture that is read, pixels. */
export const mostPixels = 36_000_000;

/** How a kind of picture begins; undefined stands for any byte. */
type Beginning = readonly (number | undefined)[];

const inShards: readonly Beginning[] = [
  [0xff, 0xd8, 0xff],
  [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
  [0x52, 0x49, 0x46, 0x46, undefined, undefined, undefined, undefined, 0x57, 0x45, 0x42, 0x50],
];
/** What else a person may ask with: GIF, TIFF (both byte orders), AVIF. */
const stills: readonly Beginning[] = [
  ...inShards,
  [0x47, 0x49, 0x46, 0x38],
  [0x49, 0x49, 0x2a, 0x00],
  [0x4d, 0x4d, 0x00, 0x2a],
  [undefined, undefined, undefined, undefined, 0x66, 0x74, 0x79, 0x70, 0x61, 0x76, 0x69],
];

const begins = (file: Uint8Array, kinds: readonly Beginning[]): boolean =>
  kinds.some((mark) => mark.every((byte, at) => byte === undefined || byte === file[at]));

/**
 * Reads a picture that somebody asks with: besides the kinds of {@link decodePicture} also GIF, TIFF and AVIF.
 *
 * @throws KdcError reason `bad-picture`
 */
export const decodeStill = (file: Uint8Array, where: string): Promise<Frame> =>
  decode(file, where, 0, mostPixels, stills, "JPEG, PNG, WebP, PPM, GIF, TIFF or AVIF");

/**
 * Reads a JPEG, PNG, WebP or PPM file as RGB. What it is says its content, not its name: others, such as SVG and PDF, are
 * programs for their reader and no pixels.
 *
 * @param where what to call it in an error
 * @param time seconds into the clip, kept with the frame
 * @param pixels how many it may have at most
 * @throws KdcError reason `bad-picture`
 */
export const decodePicture = (file: Uint8Array, where: string, time = 0, pixels = mostPixels): Promise<Frame> =>
  decode(file, where, time, pixels, inShards, "JPEG, PNG, WebP or PPM");

async function decode(
  file: Uint8Array,
  where: string,
  time: number,
  pixels: number,
  kinds: readonly Beginning[],
  named: string,
): Promise<Frame> {
  const ppm = readPpm(file);
  const sharp = ppm === undefined && begins(file, kinds) ? await loadSharp() : undefined;
  try {
    if (ppm) {
      if (ppm.width * ppm.height > pixels) throw new Error(`it has more than ${pixels} pixels`);
      return { ...ppm, time };
    }
    if (sharp === undefined) throw new Error(`it is not a ${named} file, whatever its name says`);
    const picture = sharp(file, { limitInputPixels: pixels, failOn: "truncated" });
    const { data, info } = await picture
      // A camera writes which side is up beside the picture (EXIF), and a player turns it.
      .autoOrient()
      .toColourspace("srgb")
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`it has ${info.channels} channels`);
    return { width: info.width, height: info.height, data, time };
  } catch (cause) {
    const what = `the picture cannot be read (${cause instanceof Error ? cause.message : String(cause)})`;
    throw new KdcError({ where, what, remedy: "Make it again, or leave the clip out", reason: "bad-picture", cause });
  }
}

/** Most pixels of one clip's pictures together: 24 pictures of 3840 × 2160. */
export const mostPixelsOfClip = 200_000_000;

/**
 * All pictures of one clip, one after another, so that many large ones cannot fill the memory between them.
 *
 * @throws KdcError reason `bad-picture`
 */
export async function decodePicturesOf(
  files: readonly Uint8Array[],
  where: string,
  times: readonly number[] = [],
): Promise<Frame[]> {
  const frames: Frame[] = [];
  let left = mostPixelsOfClip;
  for (const [at, file] of files.entries()) {
    const frame = await decodePicture(file, `${where}, picture ${at}`, times[at], Math.min(left, mostPixels));
    left -= frame.width * frame.height;
    frames.push(frame);
  }
  return frames;
}

function readPpm(file: Uint8Array): { width: number; height: number; data: Uint8Array } | undefined {
  if (file[0] !== 0x50 || file[1] !== 0x36) return undefined;
  const found = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(String.fromCharCode(...file.subarray(0, 40)));
  if (!found) return undefined;
  const [width, height, data] = [Number(found[1]), Number(found[2]), file.subarray(found[0].length)];
  return data.length === 3 * width * height ? { width, height, data } : undefined;
}
