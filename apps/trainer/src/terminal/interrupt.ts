import type { Surroundings } from "../pipeline/surroundings.js";
import { remark, speaks } from "./print.js";
import { showProgress } from "./progress.js";
import { joinRanks } from "./ranks.js";

/**
 * Runs work that the first Ctrl-C (or SIGTERM) asks to stop at its next safe point; a second one ends the process at once.
 */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      // As if nobody listened: ending in the orderly way would wait for a step that is being computed.
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
    remark("\nstopping at the next safe point; press Ctrl-C again to stop at once\n");
    controller.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

/**
 * The same for work that many processes share, where `mpirun` started them: what the first has to tell is shown. A
 * process that is stopped or fails takes the others with it.
 */
export const atRanks = <T>(work: (around: AtTerminal) => Promise<T>): Promise<T> =>
  atTerminal(async (around) => work({ ...around, ranks: await joinRanks() }));

/** What a terminal gives the pipeline. */
export type AtTerminal = Surroundings & { readonly signal: AbortSignal };

/** Runs work of the pipeline with what a terminal gives it: progress on stderr, and Ctrl-C that asks it to stop. */
export const atTerminal = <T>(work: (around: AtTerminal) => Promise<T>): Promise<T> =>
  untilInterrupted(async (signal) => {
    const { stop, onProgress, onNote } = showProgress();
    try {
      return await work({ signal, env: process.env, ...(speaks ? { onProgress, onNote } : {}) });
    } finally {
      stop();
    }
  });
