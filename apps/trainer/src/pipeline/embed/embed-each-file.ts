import { statSync } from "node:fs";
import { KdcError } from "@kdc-mae/core";
import type { Execute } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { clockText } from "@kdc-mae/eval/report";
import { type DecoderChoice, openDecoder } from "../corpus/open-decoder.js";
import { type FileResults, piecesOfFiles, type Within } from "../each-file.js";
import { type ReadOptions, readEncoder } from "../run/read-saved.js";
import { quoted } from "../shell-word.js";
import { type Surroundings, surroundingsOf } from "../surroundings.js";
import {
  createFileEmbedder,
  type EmbeddedWindow,
  type FileEmbedder,
  type FileEmbedding,
  type FileWindows,
} from "./embed-files.js";

/** With which model files are embedded, and in which windows. */
export type EmbedFilesOptions = Surroundings &
  Pick<ReadOptions, "assume"> &
  DecoderChoice &
  Pick<FileWindows, "window" | "hop"> & {
    readonly model: string;
    /** What computes; ONNX Runtime on the processor unless given. */
    readonly execute?: Execute;
  };

/** @throws KdcError (`unreadable`) for a folder, which another command takes */
export function expectFiles(files: readonly string[]): void {
  const folder = files.find((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory());
  if (folder === undefined) return;
  throw new KdcError({
    where: "embed",
    what: `${folder} is a folder`,
    remedy: `Name the files in it, or embed and search all of it: kdc-mae index ${quoted(folder)}`,
    reason: "unreadable",
  });
}

/** A file being read: its windows as they are asked for, and where to say how far it is, seconds. */
type Reading = FileWindows & { readonly reached: (end: number) => void };

async function withEmbedder<Piece>(
  files: readonly string[],
  options: EmbedFilesOptions,
  work: (embedder: FileEmbedder, file: string, reading: Reading) => AsyncIterable<Piece>,
  onPiece: (piece: Piece, file: string) => Promise<void> | void,
): Promise<FileResults<string>> {
  expectFiles(files);
  const { execute = compiled(), window, hop, signal } = options;
  const model = await readEncoder(options.model, options);
  const embedder = createFileEmbedder(model, execute, (await openDecoder(options, options)).decoder);
  const workOn = (file: string, _: number, within: Within) => {
    let length = "";
    const onLength = (seconds: number) => {
      length = ` of ${clockText(Math.round(seconds))}`;
    };
    const reached = (end: number) => within(`${clockText(Math.round(end))}${length}`);
    return work(embedder, file, { window, hop, signal, onLength, reached });
  };
  try {
    return await piecesOfFiles(files, "embed", surroundingsOf(options), workOn, onPiece);
  } finally {
    await embedder.dispose();
  }
}

/**
 * Embeds films, sound files and pictures over their whole length: of each file the means over its windows. Nothing is
 * kept: `onFile` is told, and waited for. Ranks share the files, and all are told of all.
 *
 * @returns the files that were embedded, and those that could not be, with a reason
 * @throws KdcError for a folder, a model that cannot be read, windows longer than the model's
 */
export const embedFiles = (
  files: readonly string[],
  options: EmbedFilesOptions & { readonly onFile: (embedding: FileEmbedding) => Promise<void> | void },
): Promise<FileResults<string>> =>
  withEmbedder(
    files,
    options,
    async function* (embedder, file, { reached, ...given }) {
      yield await embedder.embed(file, { ...given, onWindow: reached });
    },
    options.onFile,
  );

/** The same with each window's own vectors, told as they come. */
export const embedFileWindows = (
  files: readonly string[],
  options: EmbedFilesOptions & {
    readonly onWindow: (window: EmbeddedWindow & { readonly file: string }) => Promise<void> | void;
  },
): Promise<FileResults<string>> =>
  withEmbedder(
    files,
    options,
    async function* (embedder, file, { reached, ...given }) {
      for await (const window of embedder.embedWindows(embedder.read(file, given))) {
        yield window;
        reached(window.end);
      }
    },
    (window, file) => options.onWindow({ file, ...window }),
  );
