import type { Clip, ClipItem, Frame, Waveform } from "@kdc-mae/core";
import { chooseFrames } from "../visual/choose-frames.js";
import type { Picked, Span } from "./command.js";
import type { DecodeRequest, MediaInfo } from "./decoder.js";
import { expectInput, expectTracks, findFault } from "./diagnose.js";
import { mediaError } from "./media-error.js";
import { readPictureSize } from "./stream-info.js";
import { decodeWav } from "./wav.js";

export type DecoderOptions = {
  /** A process still running after this long is killed, ms (60 000 unless told). */
  readonly timeoutMs?: number;
  /** Most bytes of pictures taken from one clip (256 MiB unless told). */
  readonly maxBytes?: number;
};

export const withDefaults = ({ timeoutMs = 60_000, maxBytes = 2 ** 28 }: DecoderOptions) => ({ timeoutMs, maxBytes });

/** The times a request stands for, in seconds; asks for the duration of the file only when nothing else tells it. */
export async function chosenTimes(
  item: ClipItem,
  { frames }: DecodeRequest,
  span: Span,
  probe: (path: string) => Promise<MediaInfo>,
): Promise<readonly number[]> {
  if (!(span.seconds > 0 && span.start >= 0)) {
    throw mediaError(
      item.path,
      "zero-length",
      `it was to be read from ${item.start ?? 0} to ${item.end ?? "its end"} s`,
    );
  }
  if ("times" in frames) return frames.times;
  if (item.end !== undefined) return chooseFrames(span.seconds, frames.count, frames.limit);
  const info = await probe(item.path);
  expectTracks(item.path, info);
  const left = Math.min(span.seconds, (info.duration ?? 0) - span.start);
  if (!(left > 0)) throw mediaError(item.path, "zero-length", `it lasts ${info.duration ?? "an unknown number of"} s`);
  return chooseFrames(left, frames.count, frames.limit);
}

/** Most bytes of sound and of pictures that a clip may give. */
export function outputLimits(request: DecodeRequest, span: Span, picked: Picked, maxBytes: number): [number, number] {
  const pictures = request.size === undefined ? maxBytes : picked.gridFrames.length * request.size ** 2 * 3;
  return [soundLimit(request.sampleRate, span), Math.min(pictures, maxBytes)];
}

/** Most bytes of sound that a clip may give. */
export const soundLimit = (sampleRate: number, span: Span): number =>
  Math.ceil(2 * sampleRate * (span.seconds + 1) + 4096);

/** What ffmpeg wrote. */
export type Output = {
  readonly log: string;
  readonly exitCode: number;
  readonly sound: Uint8Array;
  readonly pictures: Uint8Array;
};

/** @throws KdcError with a {@link MediaReason} when the output is not a whole sound */
export function assembleSound(item: ClipItem, output: Omit<Output, "pictures">): Waveform {
  if (!expectInput(item.path, output.log).audio) throw mediaError(item.path, "no-audio");
  const soundBytes = Math.max(0, output.sound.length - 44);
  const got = { soundBytes, pictures: 1, exitCode: output.exitCode, start: item.start ?? 0, firstPicture: 0 };
  const fault = findFault(item.path, output.log, got);
  if (fault) throw fault;
  return decodeWav(output.sound, item.path, { streamed: true });
}

/** @throws KdcError with a {@link MediaReason} when the output is not a whole clip */
export function assembleClip(item: ClipItem, times: readonly number[], picked: Picked, output: Output): Clip {
  const info = expectInput(item.path, output.log);
  expectTracks(item.path, info);
  const shape = readPictureSize(output.log);
  const bytes = shape ? shape.width * shape.height * 3 : 1;
  const pictures = shape ? Math.floor(output.pictures.length / bytes) : 0;
  const soundBytes = Math.max(0, output.sound.length - 44);
  const got = {
    soundBytes,
    pictures,
    exitCode: output.exitCode,
    start: item.start ?? 0,
    firstPicture: Math.min(...times),
  };
  const fault = findFault(item.path, output.log, got);
  if (fault) throw fault;
  const frames = framesAt(times, picked, output.pictures, shape!);
  const original = info.video && { width: info.video.width, height: info.video.height };
  return { item, waveform: decodeWav(output.sound, item.path, { streamed: true }), frames, original };
}

/** @throws KdcError with a {@link MediaReason} when the output holds no picture */
export function assemblePictures(
  item: ClipItem,
  times: readonly number[],
  picked: Picked,
  output: Omit<Output, "sound">,
): readonly Frame[] {
  if (!expectInput(item.path, output.log).video) throw mediaError(item.path, "no-video");
  const shape = readPictureSize(output.log);
  const pictures = shape ? Math.floor(output.pictures.length / (shape.width * shape.height * 3)) : 0;
  const got = { soundBytes: 1, pictures, exitCode: output.exitCode, start: item.start ?? 0, firstPicture: times[0] };
  const fault = findFault(item.path, output.log, got);
  if (fault) throw fault;
  return framesAt(times, picked, output.pictures, shape!);
}

/** The pictures that show the requested times, out of raw RGB in the order of the grid. */
function framesAt(
  times: readonly number[],
  picked: Picked,
  raw: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): Frame[] {
  const bytes = width * height * 3;
  const last = Math.floor(raw.length / bytes) - 1;
  return times.map((time, index) => {
    const picture = Math.min(picked.indexOf[index], last);
    return { width, height, data: new Uint8Array(raw.subarray(picture * bytes, (picture + 1) * bytes)), time };
  });
}
