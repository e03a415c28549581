import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile } from "node:fs/promises";
import type { Writable } from "node:stream";
import { isKdcError, KdcError } from "@kdc-mae/core";
import { fileError } from "@kdc-mae/core/node";

/** Pieces of a stream of bytes, made as they are asked for. */
export type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** One call of ffmpeg: its arguments, what it reads from its standard input, and what stops it. */
export type FfmpegCall = {
  readonly ffmpeg: string;
  readonly args: readonly string[];
  readonly input?: Pieces;
  readonly signal?: AbortSignal;
};

/**
 * Runs ffmpeg to its end.
 *
 * @returns what it wrote to its standard output
 * @throws KdcError with reason `ffmpeg` when it cannot be started or fails, quoting its last words;
 *   the signal's own reason when it was stopped; whatever making its input throws
 */
export async function runFfmpeg({ ffmpeg, args, input, signal }: FfmpegCall): Promise<string> {
  const fail = (what: string, cause?: unknown) =>
    new KdcError({
      where: "runFfmpeg",
      what: `${ffmpeg} ${what}`,
      remedy:
        "Check that this is an ffmpeg program with an H.264 or MPEG-4 encoder and AAC, and that the disk has room",
      reason: "ffmpeg",
      cause,
    });
  signal?.throwIfAborted();
  const child = spawn(ffmpeg, args, { stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
  const stop = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", stop, { once: true });
  const ended = new Promise<string>((resolve, reject) => {
    const output: Buffer[] = [];
    const complaints: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => complaints.push(chunk));
    child.on("error", (cause) => reject(fail(`could not be started (${cause.message})`, cause)));
    child.on("close", (code) => {
      if (signal?.aborted) reject(signal.reason);
      else if (code === 0) resolve(Buffer.concat(output).toString());
      else reject(fail(`ended with code ${code}: ${Buffer.concat(complaints).toString().trim().slice(-400)}`));
    });
  });
  // Whichever fails first is told; the other's failure is its consequence.
  ended.catch(() => undefined);
  try {
    if (input !== undefined && child.stdin !== null) {
      await feed(child.stdin, input, ended).catch((error) => {
        stop();
        throw error;
      });
    }
    return await ended;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/**
 * Why ffmpeg failed while it wrote a file: the disk's own error where it takes no more, which ffmpeg says in words alone.
 *
 * @param passing what it was writing, to be removed after
 */
export async function writingError(error: unknown, passing: string, path: string): Promise<unknown> {
  if (!isKdcError(error) || error.reason !== "ffmpeg") return error;
  return appendFile(passing, new Uint8Array(2 ** 20)).then(
    () => error,
    (cause) => fileError("write", path, cause),
  );
}

/** Writes piece after piece as fast as they are taken, and no faster; stops where the reader has ended. */
async function feed(pipe: Writable, pieces: Pieces, ended: Promise<unknown>): Promise<void> {
  let open = true;
  const closed = ended.then(
    () => undefined,
    () => undefined,
  );
  // A reader that has enough closes the pipe; how it ended is told by `ended`.
  pipe.on("error", () => {
    open = false;
  });
  for await (const piece of pieces) {
    if (!open) break;
    if (!pipe.write(piece)) await Promise.race([once(pipe, "drain").catch(() => undefined), closed]);
  }
  pipe.end();
}
