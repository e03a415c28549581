import type { ChildProcess } from "node:child_process";

/** How long anything may take, and what ends it. */
export type Limits = { readonly seconds: number; readonly signal?: AbortSignal };

/**
 * Ends a process when its time is up or the signal says so.
 *
 * @returns why it was ended, where it was; asked once it has closed, which also ends the waiting
 */
export function ending(child: ChildProcess, { seconds, signal }: Limits): () => string | undefined {
  let ended: string | undefined;
  const end = (why: string) => {
    ended ??= why;
    child.kill("SIGKILL");
  };
  const stop = () => end("it was stopped");
  const timer = setTimeout(() => end(`it took longer than ${seconds} s`), seconds * 1000);
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    return ended;
  };
}
