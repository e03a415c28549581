import { spawn } from "node:child_process";
import { startError } from "./media-error.js";

export type ProcessResult = {
  readonly exitCode: number;
  /** What it printed to standard error: the first and the last part, when there was much. */
  readonly log: string;
  /** What it wrote to file descriptors 1, 3, 4 … in the order of `limits`. */
  readonly outputs: readonly Uint8Array[];
  /** Why it was killed, if it was; `killed` when somebody else did it. */
  readonly killed?: "timeout" | "too-large" | "aborted" | "killed";
};

export type ProcessOptions = {
  /** Most bytes taken from file descriptor 1, then 3, 4 …; a process that writes more is killed. */
  readonly limits: readonly number[];
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
};

const keptLog = 64 * 1024;

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
    const timer = setTimeout(() => kill("timeout"), options.timeoutMs);
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
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", abort);
    };
    child.on("error", (error) => {
      tidy();
      reject(startError(program, error));
    });
    child.on("close", (code, signal) => {
      tidy();
      if (signal !== null) killed ??= "killed";
      const outputs = chunks.map((parts) => Buffer.concat(parts));
      resolve({ exitCode: code ?? -1, log: head + tail, outputs, ...(killed ? { killed } : {}) });
    });
  });
}
