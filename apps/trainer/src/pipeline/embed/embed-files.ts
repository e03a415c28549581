import { KdcError, type Stream } from "@kdc-mae/core";
import { type FilmDecoder, type MediaWindow, readWindows, type WindowsRequest } from "@kdc-mae/data/node";
import type { Execute } from "@kdc-mae/engine";
import { createEmbedder, type EmbeddingModel, type Vectors } from "./embedder.js";
import { streamNames } from "./stream-names.js";

export type { Vectors } from "./embedder.js";

/** Which windows of a file. */
export type FileWindows = Pick<WindowsRequest, "hop" | "only" | "skip" | "signal" | "onLength"> & {
  /** Seconds, no more than the model's own, which are taken by default. */
  readonly window?: number | undefined;
};

/** A window of a file as the model sees it: the vectors of what there is of it. */
export type EmbeddedWindow = Pick<MediaWindow, "index" | "start" | "end"> & Vectors;

/** A file as the model sees it: of each stream the mean over the windows that have it, `[D]`. */
export type FileEmbedding = Vectors & {
  readonly file: string;
  /** Its windows, and how many of them have each stream. */
  readonly windows: number;
  readonly of: Readonly<Record<Stream, number>>;
  /** Windows that neither sound nor a picture reaches. */
  readonly leftOut: number;
};

/** Reads and embeds films, sound files and pictures. */
export type FileEmbedder = {
  /** The model's own length, seconds. */
  readonly seconds: number;
  /** Reads a file's windows. Reading several files at once is safe. @throws KdcError with a `MediaReason` */
  read(file: string, options?: FileWindows): AsyncGenerator<MediaWindow>;
  /** The vectors of windows as they come. */
  embedWindows(windows: AsyncIterable<MediaWindow>): AsyncGenerator<EmbeddedWindow>;
  /** Both steps, and the means. */
  embed(file: string, options?: FileWindows & { readonly onWindow?: (end: number) => void }): Promise<FileEmbedding>;
  /** Disposes of the model’s programs. */
  dispose(): Promise<void>;
};

/** Sound of less than this is not enough for one analysis frame, seconds. */
const shortest = 0.025;

/**
 * Embeds files with one model, window by window over their whole length.
 *
 * @param options `batch`: most windows that are computed together
 */
export function createFileEmbedder(
  model: EmbeddingModel,
  execute: Execute,
  decoder: FilmDecoder,
  { batch = 1 }: { readonly batch?: number } = {},
): FileEmbedder {
  const embedder = createEmbedder(model, { execute, batch });
  const { seconds, sampleRate, imageSize: size } = embedder;

  const read: FileEmbedder["read"] = (file, { window = seconds, ...options } = {}) => {
    if (window > seconds + 1e-9) throw tooLong(window, seconds);
    return readWindows(decoder, file, { ...options, window, sampleRate, size });
  };
  const embedWindows: FileEmbedder["embedWindows"] = async function* (windows) {
    for await (const { input, vectors } of embedder.embedAll(usable(windows))) {
      yield { index: input.index, start: input.start, end: input.end, ...vectors };
    }
  };
  return {
    ...{ seconds, read, embedWindows },
    async embed(file, options) {
      const sums = new Map<Stream, Float32Array>();
      const of = { audio: 0, visual: 0, joint: 0 };
      let [windows, last] = [0, -1];
      for await (const made of embedWindows(read(file, options))) {
        windows++;
        last = made.index;
        options?.onWindow?.(made.end);
        for (const stream of streamNames) {
          const vector = made[stream];
          if (vector === undefined) continue;
          const sum = sums.get(stream) ?? new Float32Array(vector.length);
          for (const [at, value] of vector.entries()) sum[at] += value;
          sums.set(stream, sum);
          of[stream]++;
        }
      }
      if (windows === 0) throw nothingIn(file);
      const means = [...sums].map(([stream, sum]) => [stream, sum.map((value) => value / of[stream])] as const);
      const leftOut = last + 1 - (options?.skip ?? 0) - windows;
      return { file, windows, of, leftOut, ...(Object.fromEntries(means) as Vectors) };
    },
    dispose: embedder.dispose,
  };
}

/** Windows without what is too short to be looked at. */
async function* usable(windows: AsyncIterable<MediaWindow>): AsyncGenerator<MediaWindow> {
  for await (const window of windows) {
    const { sound, ...rest } = window;
    if (!sound || sound.samples.length >= Math.ceil(shortest * sound.sampleRate)) yield window;
    else if (rest.frames) yield rest;
  }
}

const tooLong = (window: number, seconds: number) =>
  new KdcError({
    where: "--window",
    what: `windows of ${window} s are longer than what the model hears at a time, ${seconds} s`,
    remedy: `Give at most ${seconds}; to pass over some of a film, give a larger --hop`,
    reason: "option",
  });

const nothingIn = (file: string) =>
  new KdcError({
    where: file,
    what: "neither its sound nor its pictures are long enough to be looked at",
    remedy: "Leave it out, or give a longer one",
    reason: "too-short",
  });
