import { readFile } from "node:fs/promises";
import { type ClipItem, type FloatTensor, type Frame, float32 } from "@kdc-mae/core";
import { fit, logMel, padFrames, type StoredClip, storeClip } from "@kdc-mae/data";
import { type Decoder, decodeStill, isPicture, type PictureDecoder, type SoundDecoder } from "@kdc-mae/data/node";
import type { Execute } from "@kdc-mae/engine";
import { clipFormFor } from "../corpus/clip-form.js";
import type { SavedModel } from "../run/model-file.js";
import { openCutting } from "./cutting.js";
import { createEmbedder, type WithEncoder } from "./embedding.js";

type Vectors = { readonly audio: Float32Array; readonly visual: Float32Array; readonly joint: Float32Array };

/** One file as the model sees it: means over its windows, each `[D]`. */
export type FileEmbedding = Vectors & {
  readonly file: string;
  /** Windows of the model's own length that were averaged. */
  readonly windows: number;
  /** Windows that no sound or no picture reaches, which are not among them. */
  readonly leftOut: number;
};

/** A file's windows, decoded. */
export type FileWindows = {
  readonly file: string;
  readonly clips: readonly StoredClip[];
  /** Windows that no sound or no picture reaches. */
  readonly leftOut: number;
};

/** Reads and embeds files. Reading several at once is safe; embed one after the other. */
export type FileEmbedder = {
  /** Decodes a file with sound and picture. @throws KdcError with a `MediaReason` */
  read(file: string, signal?: AbortSignal): Promise<FileWindows>;
  /** Embeds what was read. */
  embedWindows(windows: FileWindows): Promise<FileEmbedding>;
  /** Both steps. */
  embed(file: string, signal?: AbortSignal): Promise<FileEmbedding>;
  /** The audio vector `[D]` of a file that need not hold pictures. */
  embedSound(file: string, signal?: AbortSignal): Promise<Float32Array>;
  /** The visual vector `[D]` of a picture, or of a film that need not hold sound. */
  embedPicture(file: string, signal?: AbortSignal): Promise<Float32Array>;
  /** Disposes of the model’s programs. */
  dispose(): Promise<void>;
};

/** At most this much of a file is looked at, seconds. */
const LONGEST = 10;

/** Where windows of `length` seconds begin in a file that lasts `duration`: side by side, the last one whole. */
function windowStarts(duration: number, length: number): readonly number[] {
  const usable = Math.min(duration, LONGEST);
  const count = Math.max(1, Math.floor(usable / length + 1e-6));
  return Array.from({ length: count }, (_, index) => index * length);
}

/** Embeds files one by one with one program: windows side by side over the first ten seconds, then their mean. */
export async function createFileEmbedder(
  model: Pick<SavedModel, "config" | "statistics"> & { readonly params: WithEncoder<FloatTensor> },
  execute: Execute,
  decoder: Decoder & SoundDecoder & PictureDecoder,
): Promise<FileEmbedder> {
  const { config, statistics, params } = model;
  const form = clipFormFor(config, 1, statistics.sampleRate);
  const { audio: sound, seconds } = form;
  const { size } = form.visual;
  const embedder = createEmbedder(execute, config, params);
  const { cutter } = openCutting({ grids: config, statistics, batch: 1 });

  /** The file's windows as items, each with the time of its middle: those that all tracks asked for reach. */
  const windowsOf = async (file: string, tracks: readonly ("audio" | "video")[], signal?: AbortSignal) => {
    const info = await decoder.probe(file, { signal });
    const { duration = seconds } = info;
    const ends = tracks.map((track) => info[track]?.end ?? duration);
    const starts = windowStarts(duration, seconds);
    const reached = starts.filter((start) => ends.every((end) => start < end - 1e-3));
    // Where none is reached, the first says why.
    const kept = reached.length > 0 ? reached : starts.slice(0, 1);
    const windows = kept.map((start) => {
      const end = Math.min(duration, start + seconds + 0.1);
      const item: ClipItem = { id: file, path: file, start, end, labels: [] };
      return { item, middle: Math.min(seconds, end - start) / 2 };
    });
    return { windows, leftOut: starts.length - kept.length };
  };

  const blankPicture: Frame = {
    ...{ width: size, height: size, time: 0 },
    data: new Uint8Array(size ** 2 * 3),
  };
  const stored = (item: ClipItem, spectrogram: StoredClip["spectrogram"], { data, time }: Frame): StoredClip => ({
    ...{ item, spectrogram, frames: [data], times: [time], original: { width: size, height: size } },
  });
  const noSound = float32([sound.frames, sound.melBins]);

  const embedWindows = async ({ file, clips, leftOut }: FileWindows): Promise<FileEmbedding> => {
    const sums = (["audio", "visual", "joint"] as const).map(
      (stream) => [stream, new Float32Array(config.embedDim)] as const,
    );
    for await (const { patches } of cutter.ahead(clips.map((clip) => ({ shown: [{ clip }] })))) {
      const made = await embedder.embed(patches);
      for (const [stream, sum] of sums) {
        for (let i = 0; i < sum.length; i++) sum[i] += made[stream].data[i] / clips.length;
      }
    }
    return { file, windows: clips.length, leftOut, ...(Object.fromEntries(sums) as Vectors) };
  };

  const read: FileEmbedder["read"] = async (file, signal) => {
    const { windows, leftOut } = await windowsOf(file, ["audio", "video"], signal);
    const clips = await Promise.all(
      windows.map(async ({ item, middle }) => {
        const request = { sampleRate: sound.sampleRate, frames: { times: [middle] }, size, signal };
        return storeClip(await decoder.decode(item, request), form);
      }),
    );
    return { file, clips, leftOut };
  };

  return {
    read,
    embedWindows,
    embed: async (file, signal) => embedWindows(await read(file, signal)),
    // The audio and the visual stream never see each other before the joint pass, so a blank other half changes nothing.
    embedSound: async (file, signal) => {
      const { windows, leftOut } = await windowsOf(file, ["audio"], signal);
      const clips = await Promise.all(
        windows.map(async ({ item }) => {
          const waveform = await decoder.decodeSound(item, { sampleRate: sound.sampleRate, signal });
          return stored(item, padFrames(logMel(waveform, sound), sound.frames), blankPicture);
        }),
      );
      return (await embedWindows({ file, clips, leftOut })).audio;
    },
    embedPicture: async (file, signal) => {
      if (isPicture(file)) {
        const item: ClipItem = { id: file, path: file, labels: [] };
        const clips = [stored(item, noSound, fit(await decodeStill(await readFile(file), file), size))];
        return (await embedWindows({ file, clips, leftOut: 0 })).visual;
      }
      const { windows, leftOut } = await windowsOf(file, ["video"], signal);
      const clips = await Promise.all(
        windows.map(async ({ item, middle }) => {
          const [frame] = await decoder.decodePictures(item, { times: [middle], size, signal });
          return stored(item, noSound, frame);
        }),
      );
      return (await embedWindows({ file, clips, leftOut })).visual;
    },
    dispose: async () => embedder.dispose(),
  };
}
