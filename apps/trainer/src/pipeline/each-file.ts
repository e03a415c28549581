import { isKdcError } from "@kdc-mae/core";
import type { Surroundings } from "./surroundings.js";

/** A file that gave nothing, and why, in one sentence. */
export type UnusedFile = { readonly file: string; readonly reason: string; readonly message: string };

/** What came of some files. */
export type FileResults<T> = { readonly files: readonly T[]; readonly leftOut: readonly UnusedFile[] };

/** Reasons that are no single file's: the next one would meet them too. */
const everyFiles = new Set(["aborted", "no-ffmpeg", "memory", "disk-full", "usage", "option"]);

/** How far a call is within one file. */
export type Within = (note: string) => void;

/**
 * Works on files one after the other. One that cannot be used is left out, with its reason, and the others go on.
 *
 * @param work gets the file, its place, and somewhere to say how far it is
 * @throws KdcError for what is wrong with more than one file
 */
export async function eachFile<T>(
  files: readonly string[],
  stage: string,
  { signal, onProgress, onNote, onFile }: Surroundings & { readonly onFile?: (result: T) => void },
  work: (file: string, index: number, within: Within) => Promise<T>,
): Promise<FileResults<T>> {
  const [results, leftOut]: [T[], UnusedFile[]] = [[], []];
  for (const [done, file] of files.entries()) {
    signal?.throwIfAborted();
    const within: Within = (note) =>
      onProgress?.({
        stage,
        unit: "files",
        done,
        total: files.length,
        note: files.length > 1 ? `${file} ${note}` : note,
      });
    try {
      const result = await work(file, done, within);
      results.push(result);
      onFile?.(result);
    } catch (error) {
      if (signal?.aborted) signal.throwIfAborted();
      if (!isKdcError(error) || everyFiles.has(error.reason)) throw error;
      const message = error.where === file ? error.message : error.message.replace(`${error.where}: `, `${file}: `);
      leftOut.push({ file, reason: error.reason, message });
      onNote?.(`left out: ${message}`);
    }
    onProgress?.({ stage, unit: "files", done: done + 1, total: files.length });
  }
  return { files: results, leftOut };
}
