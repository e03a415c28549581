import type { Cut } from "./cut-stretch.js";
import type { createWindowProgram, WindowResult } from "./streamed-program.js";

/** One window of a stream, as the model sees it. */
export type StreamMoment = WindowResult & {
  /** Counted from 0 over all windows, those that were left out too. */
  readonly index: number;
  /** Seconds on the stream's clock. */
  readonly start: number;
  readonly end: number;
  /** When the picture that was looked at was taken. */
  readonly picture?: number;
  /** Windows since the last moment that were left out, because later sound and pictures came before the model was free. */
  readonly leftOut: number;
};

/** A window that is to be computed, with what was cut for it; undefined once it is left out. */
export type WindowJob = Pick<StreamMoment, "index" | "start" | "end" | "picture"> & { cut: Cut | undefined };

/**
 * Computes windows in the order in which they were given, one after the other. Those that wait when others come are left
 * out, so that whoever gives faster than the model computes is told of the newest.
 */
export function computeInTurn(program: Pick<ReturnType<typeof createWindowProgram>, "run">) {
  let [waiting, leftOut]: [WindowJob[], number] = [[], 0];
  let before: Promise<unknown> = Promise.resolve();
  return {
    compute(jobs: readonly WindowJob[]): Promise<readonly StreamMoment[]> {
      if (jobs.length > 0) {
        for (const job of waiting) job.cut = undefined;
        waiting = [...jobs];
      }
      const made = before.then(async () => {
        const moments: StreamMoment[] = [];
        for (const job of jobs) {
          const { cut, ...span } = job;
          waiting = waiting.filter((other) => other !== job);
          // Nothing reaches a window: there is none.
          if (cut !== undefined && !cut.audio && !cut.visual) continue;
          if (cut === undefined) leftOut++;
          else {
            const result = await program.run(cut, (span.picture ?? span.start) - span.start);
            moments.push({ ...span, ...result, leftOut });
            leftOut = 0;
          }
        }
        return moments;
      });
      before = made.catch(() => undefined);
      return made;
    },
    /** Comes back when what was given is computed. */
    done: (): Promise<unknown> => before,
  };
}
