import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { mediaError, startError, withLastLines } from "../media/media-error.js";
import { endingOf } from "../media/run-process.js";
import { timeLimit } from "../media/time-limit.js";

/** A program at work whose outputs are read as they come: its pipes fill up, and it waits, where nobody reads. */
export type Running = {
  /**
   * The next bytes of any of the outputs; undefined bytes where that one has ended; undefined when all have.
   *
   * @param behind whose bytes are taken where several have some; the first output unless given
   */
  next(behind?: number): Promise<{ readonly output: number; readonly bytes: Uint8Array | undefined } | undefined>;
  /** Its end: all outputs were read to theirs. @throws KdcError where it did not end by itself */
  end(): Promise<{ readonly exitCode: number; readonly log: string }>;
  stop(): void;
  /** What it reads at `pipe:0`, where it was started with `fed`. */
  readonly input: Writable | null;
};

const keptLog = 64 * 1024;

/**
 * Starts ffmpeg with outputs at file descriptors 1, 3, 4 …
 *
 * @param options `timeoutMs`: it is stopped when nothing comes for so long while somebody waits; `fed`: it has an input
 */
export function startFfmpeg(
  program: string,
  args: readonly string[],
  options: { path: string; outputs: number; timeoutMs?: number; signal?: AbortSignal | undefined; fed?: boolean },
): Running {
  const { path, outputs, timeoutMs, signal, fed = false } = options;
  const further = Array.from({ length: outputs - 1 }, () => "pipe" as const);
  const child = spawn(program, args, { stdio: [fed ? "pipe" : "ignore", "pipe", "pipe", ...further] });
  let why: "timeout" | "aborted" | undefined;
  const stop = () => void child.kill("SIGKILL");
  const abort = () => {
    why ??= "aborted";
    stop();
  };
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted) abort();
  let log = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-keptLog);
  });
  const closed = new Promise<{ code: number | null; by: NodeJS.Signals | null }>((resolve, reject) => {
    child.on("error", (error) => reject(startError(program, error)));
    child.on("close", (code, by) => resolve({ code, by }));
  }).finally(() => signal?.removeEventListener("abort", abort));
  closed.catch(() => undefined);

  const sources = Array.from({ length: outputs }, (_, output) => {
    const stream = child.stdio[output === 0 ? 1 : output + 2] as Readable;
    return stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  });
  type Read = { readonly output: number; readonly bytes: Uint8Array | undefined };
  const reading = new Map<number, Promise<Read>>();
  const ask = (output: number) =>
    reading.set(
      output,
      sources[output].next().then(
        ({ done, value }) => ({ output, bytes: done ? undefined : value }),
        () => ({ output, bytes: undefined }),
      ),
    );
  for (const output of sources.keys()) ask(output);

  return {
    input: child.stdin,
    stop() {
      stop();
      for (const stream of child.stdio) stream?.destroy();
    },
    async next(behind) {
      if (reading.size === 0) return undefined;
      // Whoever was long at other work sees what has come of all.
      if (behind !== undefined) await new Promise(setImmediate);
      const tooLong = () => {
        why ??= "timeout";
        stop();
      };
      const stopTimer = timeoutMs === undefined ? undefined : timeLimit(timeoutMs, tooLong);
      const first = behind === undefined ? undefined : reading.get(behind);
      const read = await Promise.race([...(first ? [first] : []), ...reading.values()]).finally(stopTimer);
      if (read.bytes === undefined) reading.delete(read.output);
      else ask(read.output);
      return read;
    },
    async end() {
      const { code, by } = await closed;
      const { killed, signal: name } = why ? { killed: why, signal: undefined } : endingOf(code, by);
      if (killed) {
        const detail = killed === "timeout" ? `${timeoutMs} ms` : killed === "crashed" ? name : undefined;
        throw withLastLines(mediaError(path, killed, detail), log);
      }
      return { exitCode: code ?? -1, log };
    },
  };
}
