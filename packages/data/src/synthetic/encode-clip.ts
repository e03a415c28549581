import { rename, rm } from "node:fs/promises";
import { type Frame, KdcError, type Waveform } from "@kdc-mae/core";
import { writeWhole } from "./atomic-file.js";
import { runFfmpeg } from "./ffmpeg-run.js";
import { toPcm16 } from "./pcm.js";

/** Video encoders that may be used, best first, with their settings for small, quick, good-looking clips. */
const videoEncoders = [
  { name: "libx264", args: ["-preset", "ultrafast", "-crf", "18"] },
  { name: "mpeg4", args: ["-q:v", "3"] },
] as const;

/** Arguments that choose the video encoder. */
export type VideoEncoder = readonly string[];

/**
 * Finds the best video encoder an ffmpeg has.
 *
 * @throws KdcError with reason `ffmpeg` when there is none, or no AAC
 */
export async function chooseEncoder(ffmpeg: string, signal?: AbortSignal): Promise<VideoEncoder> {
  const listing = await runFfmpeg({ ffmpeg, args: ["-hide_banner", "-encoders"], signal });
  const has = (name: string) => new RegExp(`^\\s*[A-Z.]{6}\\s+${name}\\s`, "m").test(listing);
  const encoder = videoEncoders.find(({ name }) => has(name));
  if (encoder === undefined || !has("aac")) {
    throw new KdcError({
      where: "chooseEncoder",
      what: `${ffmpeg} lacks ${encoder === undefined ? "both libx264 and mpeg4" : "an AAC encoder"}`,
      remedy: "Use an ffmpeg that has them, such as the one in @ffmpeg-installer/ffmpeg",
      reason: "ffmpeg",
    });
  }
  return ["-c:v", encoder.name, ...encoder.args];
}

/** One clip to encode, and where to. */
export type EncodeRequest = {
  readonly path: string;
  readonly frames: readonly Frame[];
  readonly frameRate: number;
  readonly waveform: Waveform;
  readonly ffmpeg: string;
  readonly encoder: VideoEncoder;
  readonly signal?: AbortSignal;
};

/** Encodes frames and sound into an mp4 file, which appears under its name only when it is whole. */
export async function encodeClip(request: EncodeRequest): Promise<void> {
  const { path, frames, frameRate, waveform, ffmpeg, encoder, signal } = request;
  const [{ width, height }] = frames;
  const sound = `${path}.pcm.tmp`;
  const passing = `${path}.tmp`;
  const args = [
    ...["-v", "error", "-y"],
    ...["-f", "s16le", "-ar", `${waveform.sampleRate}`, "-ac", "1", "-i", sound],
    ...["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", `${width}x${height}`, "-r", `${frameRate}`, "-i", "pipe:0"],
    ...["-map", "1:v", "-map", "0:a", ...encoder, "-pix_fmt", "yuv420p", "-threads", "1"],
    ...["-c:a", "aac", "-b:a", "64k", "-f", "mp4", passing],
  ];
  try {
    await writeWhole(sound, toPcm16(waveform.samples));
    await runFfmpeg({ ffmpeg, args, input: Buffer.concat(frames.map(({ data }) => data)), signal });
    await rename(passing, path);
  } finally {
    await Promise.all([rm(sound, { force: true }), rm(passing, { force: true })]);
  }
}
