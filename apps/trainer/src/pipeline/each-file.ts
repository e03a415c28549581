import { statSync } from "node:fs";
import { isKdcError, type KdcError } from "@kdc-mae/core";
import { told } from "./ranks/ranks.js";
import { sharedWork } from "./ranks/shared-work.js";
import { ranksOf, type Surroundings } from "./surroundings.js";

/** A file that gave nothing, and why, in one sentence. */
export type UnusedFile = { readonly file: string; readonly reason: string; readonly message: string };

/** What came of some files. */
export type FileResults<T> = { readonly files: readonly T[]; readonly leftOut: readonly UnusedFile[] };

/** Reasons that are no single file's: the next one would meet them too. */
const everyFiles = new Set(["aborted", "no-ffmpeg", "memory", "disk-full", "usage", "option"]);
/** Nor is it the file's where what comes of it cannot be written. */
const isEveryFiles = ({ reason, doing }: KdcError) => everyFiles.has(reason) || doing === "write";

/** How far a call is within one file. */
export type Within = (note: string) => void;

/** One thing that was made of a file, or why there is nothing more. */
type Part<P> = { readonly piece: P; readonly fault?: undefined } | { readonly fault: UnusedFile };

/**
 * Works on files one after the other, and tells piece by piece what is made of each. One that cannot be used is left
 * out, with its reason, and the others go on. Ranks share the files, and all are told the same; a file's pieces are held
 * until the file is done then, and must be such as can be cloned.
 *
 * @param work gets the file, its place, and somewhere to say how far it is
 * @param onPiece told of each piece, and waited for
 * @returns the files that were worked through
 * @throws KdcError for what is wrong with more than one file
 */
export async function piecesOfFiles<P>(
  files: readonly string[],
  stage: string,
  around: Surroundings,
  work: (file: string, index: number, within: Within) => AsyncIterable<P>,
  onPiece: (piece: P, file: string) => Promise<void> | void,
): Promise<FileResults<string>> {
  const { signal, onProgress, onNote } = around;
  const ranks = ranksOf(around);
  const [whole, leftOut]: [string[], UnusedFile[]] = [[], []];
  let done = 0;
  onProgress?.({ stage, unit: "files", done, total: files.length });

  async function* parts(file: string, index: number): AsyncGenerator<Part<P>> {
    signal?.throwIfAborted();
    const within: Within = (note) =>
      onProgress?.({
        ...{ stage, unit: "files", done, total: files.length },
        note: files.length > 1 ? `${file} ${note}` : note,
      });
    try {
      for await (const piece of work(file, index, within)) yield { piece };
    } catch (error) {
      if (signal?.aborted) signal.throwIfAborted();
      if (!isKdcError(error) || isEveryFiles(error)) throw error;
      const message = error.where === file ? error.message : error.message.replace(`${error.where}: `, `${file}: `);
      yield { fault: { file, reason: error.reason, message } };
    }
  }
  const take = async (file: string, made: Iterable<Part<P>> | AsyncIterable<Part<P>>): Promise<void> => {
    let isWhole = true;
    for await (const part of made) {
      if (part.fault === undefined) {
        await onPiece(part.piece, file);
        continue;
      }
      isWhole = false;
      leftOut.push(part.fault);
      onNote?.(`left out: ${part.fault.message}`);
    }
    if (isWhole) whole.push(file);
    done += 1;
    onProgress?.({ stage, unit: "files", done, total: files.length });
  };

  if (ranks.size === 1) {
    for (const [index, file] of files.entries()) await take(file, parts(file, index));
  } else {
    const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    const weights = await told(ranks, () => files.map(sizeOf));
    const shared = sharedWork(ranks, [...files.entries()], { weights, signal }, async function* (own) {
      for (const [index, file] of own) {
        const held: Part<P>[] = [];
        for await (const part of parts(file, index)) held.push(part);
        yield held;
      }
    });
    for await (const [[, file], held] of shared) await take(file, held);
  }
  return { files: whole, leftOut };
}

/**
 * The same for work that makes one thing of a file.
 *
 * @returns what was made, and the files that could not be used
 * @throws KdcError for what is wrong with more than one file
 */
export async function eachFile<T>(
  files: readonly string[],
  stage: string,
  { onFile, ...around }: Surroundings & { readonly onFile?: (result: T) => void },
  work: (file: string, index: number, within: Within) => Promise<T>,
): Promise<FileResults<T>> {
  const results: T[] = [];
  const one = async function* (...given: Parameters<typeof work>): AsyncGenerator<T> {
    yield await work(...given);
  };
  const { leftOut } = await piecesOfFiles(files, stage, around, one, (result) => {
    results.push(result);
    onFile?.(result);
  });
  return { files: results, leftOut };
}
