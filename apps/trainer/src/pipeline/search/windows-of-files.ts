import { join } from "node:path";
import { type ErrorParts, errorParts, isKdcError, KdcError } from "@kdc-mae/core";
import type { EmbeddedWindow, FileEmbedder } from "../embed/embed-files.js";
import { alone, type Ranks } from "../ranks/ranks.js";
import { sharedWork } from "../ranks/shared-work.js";
import { begunAhead } from "./begun-ahead.js";
import type { Candidate } from "./scan-folder.js";

/** A file that is to be embedded, from one of its windows on. */
export type WaitingFile = Candidate & { readonly skip: number };

/** A file and what the model makes of its windows; a fault comes when they have been gone through up to it. */
type EmbeddedFile = { readonly candidate: WaitingFile; readonly windows: AsyncIterable<EmbeddedWindow> };

/** How files are embedded, and by whom. */
type EmbedFiles = {
  readonly folder: string;
  readonly embedder: Pick<FileEmbedder, "read" | "embedWindows">;
  readonly window: number;
  readonly hop: number;
  /** Processes that share the files; one unless given. */
  readonly ranks?: Ranks;
  readonly signal?: AbortSignal;
  /** Told how long a film is that this process reads. */
  readonly onLength?: (file: string, seconds: number) => void;
};

/** What a rank tells the others of a file: its windows, and why there are no more. */
type Held = {
  readonly windows: readonly EmbeddedWindow[];
  readonly fault?: ErrorParts;
};

/**
 * Embeds files, in order, window by window as they are asked for. Of several ranks each embeds its share of the files,
 * and every one is given all of them, a file at a time.
 */
export async function* embeddedFiles(
  waiting: readonly WaitingFile[],
  { folder, embedder, window, hop, ranks = alone, signal, onLength }: EmbedFiles,
): AsyncGenerator<EmbeddedFile> {
  const begin = ({ file, skip }: WaitingFile) =>
    embedder.read(join(folder, file), {
      ...{ window, hop, skip, signal },
      onLength: (seconds) => onLength?.(file, seconds),
    });
  async function* asTheyCome(files: readonly WaitingFile[]): AsyncGenerator<EmbeddedFile> {
    for await (const { candidate, windows } of begunAhead(files, begin)) {
      yield { candidate, windows: embedder.embedWindows(windows) };
    }
  }
  if (ranks.size === 1) {
    yield* asTheyCome(waiting);
    return;
  }
  const weights = waiting.map(({ size }) => size);
  const shared = sharedWork(ranks, waiting, { weights, signal }, async function* (own) {
    for await (const { windows } of asTheyCome(own)) yield await held(windows, signal);
  });
  for await (const [candidate, { windows, fault }] of shared) {
    yield { candidate, windows: again(windows, fault) };
  }
}

async function held(windows: AsyncIterable<EmbeddedWindow>, signal?: AbortSignal): Promise<Held> {
  const kept: EmbeddedWindow[] = [];
  try {
    for await (const window of windows) {
      signal?.throwIfAborted();
      kept.push(window);
    }
    return { windows: kept };
  } catch (error) {
    signal?.throwIfAborted();
    if (!isKdcError(error)) throw error;
    return { windows: kept, fault: errorParts(error) };
  }
}

async function* again(windows: Held["windows"], fault: Held["fault"]): AsyncGenerator<EmbeddedWindow> {
  yield* windows;
  if (fault !== undefined) throw new KdcError(fault);
}
