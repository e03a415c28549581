import { spawn } from "node:child_process";
import { constants } from "node:os";
import { startError } from "./media-error.js";
import { timeLimit } from "./time-limit.js";

export type ProcessResult = {
  readonly exitCode: number;
  /** What it printed to standard error: the first and the last part, when there was much. */
  readonly log: string;
  /** What it wrote to file descriptors 1, 3, 4 … in the order of `limits`. */
  readonly outputs: readonly Uint8Array[];
  /** Why it did not end by itself: stopped by us, `killed` by somebody else, or `crashed`. */
  readonly killed?: "timeout" | "too-large" | "aborted" | "killed" | "crashed";
  /** The signal it ended by, where it did. */
  readonly signal?: string;
};

export type ProcessOptions = {
  /** Most bytes taken from file descriptor 1, then 3, 4 …; a process that writes more is killed. */
  readonly limits: readonly number[];
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
};

const keptLog = 256 * 1024;

/** Signals that a program brings upon itself. */
const crashes = ["SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT", "SIGSYS", "SIGTRAP"] as const;

/** How a program ended that was not stopped by us: the signal is told by the system, or as 128 + n by a shell around it. */
export function endingOf(code: number | null, signal: NodeJS.Signals | null): Pick<ProcessResult, "killed" | "signal"> {
  const wrapped = Object.entries(constants.signals).find(([, number]) => code === 128 + number)?.[0];
  // Windows: access violation and its like.
  if (signal === null && code !== null && code >= 0xc0000000)
    return { killed: "crashed", signal: `0x${code.toString(16)}` };
  // ffmpeg itself ends with 255 when it is interrupted, as Ctrl-C does with all programs of a terminal.
  if (code === 255) return { killed: "killed" };
  const name = signal ?? wrapped;
  if (name === undefined) return {};
  if (crashes.some((crash) => crash === name)) return { killed: "crashed", signal: name };
  return signal !== null || name === "SIGKILL" || name === "SIGTERM" ? { killed: "killed", signal: name } : {};
}

/** Runs a program to its end and collects what it writes to several pipes. Rejects with reason `no-ffmpeg` when it cannot be started. */
export function runProcess(program: string, args: readonly string[], options: ProcessOptions): Promise<ProcessResult> {
  return new Promise((resolve, reject) => {
    const [, ...further] = options.limits;
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe", ...further.map(() => "pipe" as const)] });
    let killed: ProcessResult["killed"];
    const kill = (why: NonNullable<ProcessResult["killed"]>) => {
      killed ??= why;
      child.kill("SIGKILL");
    };
    const abort = () => kill("aborted");
    const stopTimer = timeLimit(options.timeoutMs, () => kill("timeout"));
    options.signal?.addEventListener("abort", abort, { once: true });
    if (options.signal?.aborted) abort();

    const chunks = options.limits.map((): Uint8Array[] => []);
    for (const [index, limit] of options.limits.entries()) {
      let left = limit;
      const stream = child.stdio[index === 0 ? 1 : index + 2];
      stream?.on("data", (chunk: Uint8Array) => {
        left -= chunk.length;
        if (left < 0) kill("too-large");
        else chunks[index].push(chunk);
      });
      stream?.on("error", () => undefined);
    }
    let [head, tail] = ["", ""];
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      if (head.length < keptLog) head += text;
      else tail = (tail + text).slice(-keptLog);
    });
    const tidy = () => {
      stopTimer();
      options.signal?.removeEventListener("abort", abort);
    };
    child.on("error", (error) => {
      tidy();
      reject(startError(program, error));
    });
    child.on("close", (code, signal) => {
      tidy();
      const ending = killed ? { killed } : endingOf(code, signal);
      const outputs = chunks.map((parts) => Buffer.concat(parts));
      resolve({ exitCode: code ?? -1, log: head + tail, outputs, ...ending });
    });
  });
}
