import { readFile } from "node:fs/promises";
import { type Clip, type Frame, KdcError } from "@kdc-mae/core";
import { picturePath } from "../manifest/confine.js";
import type { ManifestItem, PictureFolders } from "../manifest/manifest-item.js";
import { chooseFrames } from "../visual/choose-frames.js";
import { decodePicture } from "../visual/encode-picture.js";
import { fit } from "../visual/fit.js";
import type { DecodeRequest, Decoder, SoundDecoder } from "./decoder.js";

/** A decoder for {@link decodeItem}: one that reads sound alone is needed where pictures lie beside it. */
export type ItemDecoder = Decoder & Partial<SoundDecoder>;

/** Decodes a manifest's item: the media file, or where the pictures lie beside the sound, both. */
export async function decodeItem(decoder: ItemDecoder, item: ManifestItem, request: DecodeRequest): Promise<Clip> {
  const { pictures, ...clip } = item;
  if (!pictures) return decoder.decode(clip, request);
  if (!decoder.decodeSound) {
    throw new KdcError({
      where: `decoder ${decoder.name}`,
      what: "it cannot read sound alone, and the list has clips whose pictures lie beside their sound",
      remedy: "Use createPipesDecoder",
      reason: "option",
    });
  }
  const waveform = await decoder.decodeSound(clip, request);
  const count = "count" in request.frames ? request.frames.count : request.frames.times.length;
  const files = await readFolders(pictures, count);
  const times = chooseFrames(Math.max(0.01, waveform.samples.length / waveform.sampleRate), files.length);
  const whole = await Promise.all(files.map(({ path, bytes }, index) => decodePicture(bytes, path, times[index])));
  const frames = whole.map((frame): Frame => (request.size === undefined ? frame : fit(frame, request.size)));
  return { item: clip, waveform, frames, original: { width: whole[0].width, height: whole[0].height } };
}

/** `folder/frame_i/name.jpg` for i = 0 …, as many as there are and at most `count`. @throws KdcError reason `no-video` */
async function readFolders(pictures: PictureFolders, count: number): Promise<{ path: string; bytes: Uint8Array }[]> {
  const found: { path: string; bytes: Uint8Array }[] = [];
  while (found.length < count) {
    const path = picturePath(pictures, found.length);
    const bytes = await readFile(path).catch(() => undefined);
    if (!bytes) break;
    found.push({ path, bytes });
  }
  if (found.length > 0) return found;
  throw new KdcError({
    where: picturePath(pictures, 0),
    what: "there is no such picture",
    remedy: "Check video_path, or leave the clip out",
    reason: "no-video",
  });
}
