import { rename, rm, writeFile } from "node:fs/promises";
import { endianness } from "node:os";
import type { Waveform } from "@kdc-mae/core";
import { hold, temporaryName } from "@kdc-mae/core/node";
import { runFfmpeg, writingError } from "./ffmpeg-run.js";
import type { VideoEncoder } from "./video-encoder.js";

/** One clip to encode, and where to. `pixels` runs [T, size, size, 3]. */
export type RawClip = {
  readonly path: string;
  readonly pixels: Uint8Array;
  readonly size: number;
  readonly frameRate: number;
  readonly waveform: Waveform;
};

/** With what to encode. */
export type EncodeTools = { readonly ffmpeg: string; readonly encoder: VideoEncoder; readonly signal?: AbortSignal };

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);

/**
 * Encodes clips into mp4 files, all in one run of ffmpeg, since starting it costs as much as a small clip does.
 * Raw pictures and samples pass through files beside the target, and every mp4 appears under its name only when whole.
 */
export async function encodeClips(clips: readonly RawClip[], { ffmpeg, encoder, signal }: EncodeTools): Promise<void> {
  const namesOf = new Map(
    clips.map((clip) => [clip, ["rgb", "pcm", "mp4"].map((kind) => temporaryName(`${clip.path}.${kind}`))]),
  );
  const passing = [...namesOf.values()].flat();
  const letGo = passing.map(hold);
  const picturesOf = (clip: RawClip) => namesOf.get(clip)![0];
  const soundOf = (clip: RawClip) => namesOf.get(clip)![1];
  const passingOf = (clip: RawClip) => namesOf.get(clip)![2];
  const inputs = clips.flatMap((clip) => [
    ...["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", `${clip.size}x${clip.size}`, "-r", `${clip.frameRate}`],
    ...["-i", picturesOf(clip)],
    ...["-f", `f32${endianness().toLowerCase()}`, "-ar", `${clip.waveform.sampleRate}`, "-ac", "1"],
    ...["-i", soundOf(clip)],
  ]);
  const outputs = clips.flatMap((clip, index) => [
    ...["-map", `${2 * index}:v`, "-map", `${2 * index + 1}:a`, ...encoder, "-pix_fmt", "yuv420p", "-threads", "1"],
    ...["-c:a", "aac", "-b:a", "64k", "-f", "mp4", passingOf(clip)],
  ]);
  try {
    await Promise.all(
      clips.flatMap((clip) => [
        writeFile(picturesOf(clip), clip.pixels),
        writeFile(soundOf(clip), bytesOf(clip.waveform.samples)),
      ]),
    );
    await runFfmpeg({ ffmpeg, args: ["-v", "error", "-y", "-nostdin", ...inputs, ...outputs], signal });
    await Promise.all(clips.map((clip) => rename(passingOf(clip), clip.path)));
  } catch (error) {
    throw await writingError(error, passingOf(clips[0]), clips[0].path);
  } finally {
    await Promise.all(passing.map((path) => rm(path, { force: true })));
    for (const one of letGo) one();
  }
}
