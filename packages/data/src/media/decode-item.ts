import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Clip, type Frame, KdcError } from "@kdc-mae/core";
import type { ManifestItem, PictureFolders } from "../manifest/manifest-item.js";
import { chooseFrames } from "../visual/choose-frames.js";
import { decodePicture } from "../visual/encode-picture.js";
import { fit } from "../visual/fit.js";
import type { DecodeRequest, Decoder } from "./decoder.js";
import type { SoundDecoder } from "./ffmpeg-pipes.js";

/** Decodes a manifest's item: the media file, or where the pictures lie beside the sound, both. */
export async function decodeItem(
  decoder: Decoder & SoundDecoder,
  item: ManifestItem,
  request: DecodeRequest,
): Promise<Clip> {
  const { pictures, ...clip } = item;
  if (!pictures) return decoder.decode(clip, request);
  const waveform = await decoder.decodeSound(clip, request);
  const count = "count" in request.frames ? request.frames.count : request.frames.times.length;
  const files = await readFolders(pictures, count);
  const times = chooseFrames(Math.max(0.01, waveform.samples.length / waveform.sampleRate), files.length);
  const frames = await Promise.all(
    files.map(async ({ path, bytes }, index): Promise<Frame> => {
      const frame = await decodePicture(bytes, path, times[index]);
      return request.size === undefined ? frame : fit(frame, request.size);
    }),
  );
  return { item: clip, waveform, frames };
}

/** `folder/frame_i/name.jpg` for i = 0 …, as many as there are and at most `count`. @throws KdcError reason `no-video` */
async function readFolders(
  { folder, name }: PictureFolders,
  count: number,
): Promise<{ path: string; bytes: Uint8Array }[]> {
  const found: { path: string; bytes: Uint8Array }[] = [];
  while (found.length < count) {
    const path = join(folder, `frame_${found.length}`, `${name}.jpg`);
    const bytes = await readFile(path).catch(() => undefined);
    if (!bytes) break;
    found.push({ path, bytes });
  }
  if (found.length > 0) return found;
  throw new KdcError({
    where: join(folder, "frame_0", `${name}.jpg`),
    what: "there is no such picture",
    remedy: "Check video_path, or leave the clip out",
    reason: "no-video",
  });
}
