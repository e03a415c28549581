import { KdcError } from "@kdc-mae/core";
import { readMediaStream } from "@kdc-mae/data/node";
import type { Execute } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { peakRegion } from "@kdc-mae/eval";
import { clipFormFor } from "../corpus/clip-form.js";
import { openDecoder } from "../corpus/open-decoder.js";
import { createStreamingEmbedder, type StreamingOptions, type StreamMoment } from "../embed/streaming-embedder.js";
import { likeliest, type ScoredLabel } from "../evaluate/predict.js";
import { type ReadOptions, readSaved, type Saved } from "../run/read-saved.js";
import { clockOf, type Surroundings } from "../surroundings.js";

/** One window of a stream, with what is made of it. */
export type StreamedWindow = StreamMoment & {
  /** Of a classifier, likeliest first. */
  readonly labels?: readonly ScoredLabel[];
  /** The hottest patch, where heat was asked for: its row, its column, and its cosine. */
  readonly hottest?: { readonly row: number; readonly column: number; readonly cosine: number };
  /** Seconds from when the last it needed was read to when it was told; how far reading is behind the source is not in it. */
  readonly delay: number;
};

/** What {@link stream} is asked for. */
export type StreamMediaOptions = Surroundings &
  Pick<ReadOptions, "assume"> &
  Pick<StreamingOptions, "window" | "hop" | "pictureAt" | "only" | "heat" | "patience"> & {
    /** A file, or what `loadModel` made of one; a pretrained model or a classifier. */
    readonly model: string | Saved;
    /** How many labels are told of a classifier (3 unless given). */
    readonly count?: number;
    /** A file is read no faster than it plays. */
    readonly paced?: boolean;
    /** What computes; ONNX Runtime on the processor unless given. */
    readonly execute?: Execute;
    /** Told each window as soon as it is there, and waited for. */
    readonly onWindow: (window: StreamedWindow) => Promise<void> | void;
  };

/** What a stream came to. */
export type StreamedMedia = {
  readonly windows: number;
  /** None: each part is waited for, so that a model slower than its source falls behind and leaves out nothing. */
  readonly leftOut: number;
  /** Seconds of it. */
  readonly seconds: number;
};

/** Where pictures are sought that a film's sound has run ahead of: more than pipes hold of sound, seconds, at 16 kHz. */
const PATIENCE = 10;

/**
 * Follows a film, a sound file, or the bytes of one as they come (`process.stdin`), through ffmpeg: window by window its
 * vectors, of a classifier its labels, and where the sound is seen. Memory stays the same however long it goes on.
 *
 * @param source a file, or bytes in a container that can be read from its beginning (Matroska, MPEG-TS, WAV, fragmented MP4 …)
 * @throws KdcError with a `MediaReason`; windows before the fault were told
 */
export async function stream(
  source: string | AsyncIterable<Uint8Array>,
  options: StreamMediaOptions,
): Promise<StreamedMedia> {
  const { execute = compiled(), window, hop, pictureAt, only, heat } = options;
  const { count, paced, onWindow, signal } = options;
  const saved = typeof options.model === "string" ? await readSaved(options.model, options) : options.model;
  const model = "model" in saved ? saved.model : saved.classifier;
  const classes = "classes" in model ? model.classes : undefined;
  if (count !== undefined && classes === undefined) {
    const what = "the model is pretrained and has no classes, so that there are no labels to count";
    throw new KdcError({ where: "count", what, remedy: "Leave it out, or give a fine-tuned model", reason: "usage" });
  }
  const { audio, visual } = clipFormFor(model.config, 1, model.statistics.sampleRate);
  const { patience = PATIENCE * Math.max(1, 16_000 / audio.sampleRate) } = options;
  const { ffmpeg } = await openDecoder(options);
  const clock = clockOf(options);
  const embedder = createStreamingEmbedder(model, { execute, window, hop, pictureAt, only, heat, patience });
  const first = Math.min(embedder.window - 0.01, (pictureAt ?? 0.5) * embedder.window);
  const parts = readMediaStream(ffmpeg, source, {
    ...{ sampleRate: audio.sampleRate, size: visual.size, first, every: embedder.hop, only, paced, signal },
  });
  let [windows, leftOut, seconds] = [0, 0, 0];
  const tell = async (moments: readonly StreamMoment[], since: number) => {
    for (const moment of moments) {
      windows += 1;
      leftOut += moment.leftOut;
      seconds = moment.end;
      await onWindow({
        ...moment,
        ...(moment.scores && classes ? { labels: likeliest(classes, moment.scores, count ?? 3) } : {}),
        ...(moment.heat ? { hottest: hottestOf(moment.heat) } : {}),
        delay: (clock() - since) / 1000,
      });
    }
  };
  try {
    for await (const part of parts) {
      const since = clock();
      await tell(await embedder.add(part), since);
    }
    const since = clock();
    await tell(await embedder.end(), since);
  } finally {
    await embedder.dispose();
  }
  return { windows, leftOut, seconds };
}

function hottestOf(heat: NonNullable<StreamMoment["heat"]>): NonNullable<StreamedWindow["hottest"]> {
  const { row, column } = peakRegion(heat).peak;
  return { row, column, cosine: heat.data[row * heat.shape[1] + column] };
}
