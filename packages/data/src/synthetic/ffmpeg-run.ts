import { spawn } from "node:child_process";
import { KdcError } from "@kdc-mae/core";

/** One call of ffmpeg: its arguments and what stops it. */
export type FfmpegCall = { readonly ffmpeg: string; readonly args: readonly string[]; readonly signal?: AbortSignal };

/**
 * Runs ffmpeg to its end.
 *
 * @returns what it wrote to its standard output
 * @throws KdcError with reason `ffmpeg` when it cannot be started or fails, quoting its last words;
 *   the signal's own reason when it was stopped
 */
export function runFfmpeg({ ffmpeg, args, signal }: FfmpegCall): Promise<string> {
  const fail = (what: string, cause?: unknown) =>
    new KdcError({
      where: "runFfmpeg",
      what: `${ffmpeg} ${what}`,
      remedy:
        "Check that this is an ffmpeg program with an H.264 or MPEG-4 encoder and AAC, and that the disk has room",
      reason: "ffmpeg",
      cause,
    });
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = spawn(ffmpeg, args, { stdio: ["ignore", "pipe", "pipe"] });
    const stop = () => child.kill("SIGKILL");
    signal?.addEventListener("abort", stop, { once: true });
    const output: Buffer[] = [];
    const complaints: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => complaints.push(chunk));
    child.on("error", (cause) => reject(fail(`could not be started (${cause.message})`, cause)));
    child.on("close", (code) => {
      signal?.removeEventListener("abort", stop);
      if (signal?.aborted) reject(signal.reason);
      else if (code === 0) resolve(Buffer.concat(output).toString());
      else reject(fail(`ended with code ${code}: ${Buffer.concat(complaints).toString().trim().slice(-400)}`));
    });
  });
}
