import { type Frame, KdcError } from "@kdc-mae/core";
import sharp from "sharp";

// Clips are worked on side by side already; more threads for one small picture only get in each other's way.
sharp.concurrency(1);
sharp.cache(false);

/** How a picture is kept: JPEG of a quality from 1 to 100, or PPM, which is the bare pixels below a short heading. */
export type PictureFormat = { readonly kind: "jpeg"; readonly quality: number } | { readonly kind: "ppm" };

export const pictureExtension = ({ kind }: PictureFormat): string => (kind === "jpeg" ? "jpg" : "ppm");

/** A picture as a JPEG (no colour subsampling) or PPM file. */
export async function encodePicture({ width, height, data }: Frame, format: PictureFormat): Promise<Uint8Array> {
  if (format.kind === "ppm") return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), data]);
  const picture = sharp(data, { raw: { width, height, channels: 3 } });
  return picture.jpeg({ quality: format.quality, chromaSubsampling: "4:4:4" }).toBuffer();
}

/** Largest picture that is read, pixels. */
const mostPixels = 36_000_000;

/**
 * Reads a JPEG, PNG, WebP or PPM file as RGB.
 *
 * @param where what to call it in an error
 * @param time seconds into the clip, kept with the frame
 * @throws KdcError reason `bad-picture`
 */
export async function decodePicture(file: Uint8Array, where: string, time = 0): Promise<Frame> {
  const ppm = readPpm(file);
  if (ppm) return { ...ppm, time };
  try {
    const picture = sharp(file, { limitInputPixels: mostPixels, failOn: "truncated" });
    const { data, info } = await picture
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

function readPpm(file: Uint8Array): { width: number; height: number; data: Uint8Array } | undefined {
  if (file[0] !== 0x50 || file[1] !== 0x36) return undefined;
  const found = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(String.fromCharCode(...file.subarray(0, 40)));
  if (!found) return undefined;
  const [width, height, data] = [Number(found[1]), Number(found[2]), file.subarray(found[0].length)];
  return data.length === 3 * width * height ? { width, height, data } : undefined;
}
