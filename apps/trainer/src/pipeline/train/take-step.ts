import { isKdcError } from "@kdc-mae/core";
import type { StepReport } from "@kdc-mae/engine";
import type { CheckedExperiment } from "../experiment/schema.js";
import { jumped, notFinite, remember, timesAllowed, wentBack } from "./rollback.js";
import type { RunState } from "./run-state.js";
import type { Trainee } from "./trainee.js";

/** How an update ended: made (or left out), given up because the run is to stop, or the run is at an earlier step again. */
export type Ended = "done" | "stopped" | "back";

/**
 * Makes updates one by one. One that is under way when the signal asks to stop is given up, and the state saved; a loss
 * or gradient that is not finite, or a loss that jumps, takes the run back to its last checkpoint, and the batches it
 * came from are skipped.
 */
export function stepTaker<Batch>(
  { state, update }: Pick<Trainee<Batch>, "state" | "update">,
  run: RunState,
  options: {
    readonly training: Pick<CheckedExperiment["training"], "rollback">;
    readonly rateAt: (step: number) => number;
    readonly clock: () => number;
    readonly onNote?: (note: string) => void;
    readonly signal?: AbortSignal;
    /** Told of every update that counts. */
    readonly onUpdate: (report: StepReport, rate: number, seconds: number) => void;
  },
): (group: readonly (Batch | undefined)[]) => Promise<Ended> {
  const { training, rateAt, clock, onNote, signal, onUpdate } = options;
  const times = timesAllowed(training);

  /** An update, or undefined when it was given up because the signal asked to stop; the state is saved then. */
  const updated = async (group: readonly (Batch | undefined)[]): Promise<StepReport | undefined> => {
    let ask: () => void = () => undefined;
    const asked = new Promise<undefined>((resolve) => {
      ask = () => resolve(undefined);
      signal?.addEventListener("abort", ask);
    });
    const pending = update(group, rateAt(state.step));
    try {
      const report = await Promise.race([pending, asked]);
      if (report !== undefined) return report;
      // It still computes, and mostly cannot change anything any more.
      await run.save();
      const taken = await pending;
      // One that a device had begun could not be given up: it counts, and is saved with what it counts for.
      run.outdate();
      return taken;
    } catch (error) {
      if (isKdcError(error) && error.reason === "stopped") return undefined;
      throw error;
    } finally {
      signal?.removeEventListener("abort", ask);
    }
  };
  /** What an update gave, or what was wrong with it, in words. */
  const attempt = async (group: readonly (Batch | undefined)[]): Promise<{ report?: StepReport; wrong?: string }> => {
    try {
      const report = await updated(group);
      return { report, wrong: report && jumped(run.counters.history, report.total, training) };
    } catch (error) {
      const wrong = notFinite(error);
      if (wrong === undefined || run.counters.history.rollbacks >= times) throw error;
      return { wrong };
    }
  };
  /** Back to the last checkpoint because of what happened at a step; false where there is none. */
  const goBack = async (step: number, why: string): Promise<boolean> => {
    const { history } = run.counters;
    const isBack = await run.restore();
    run.counters.history = wentBack(run.counters.history, history, step, isBack ? state.step : step);
    const what = isBack
      ? `back to step ${state.step}; the batches it came from are skipped`
      : "its batches are skipped";
    onNote?.(`step ${step + 1}: ${why}; ${what} (${run.counters.history.rollbacks} of ${times} times)`);
    return isBack;
  };
  const count = (report: StepReport, seconds: number): void => {
    const { counters } = run;
    if (report.lossScale !== undefined) {
      const { value, halved } = report.lossScale;
      if (halved > 0)
        onNote?.(`step ${report.step}: gradients overflowed in half precision; the loss scale fell to ${value}`);
      counters.lossScale = { value, halved: halved + (counters.lossScale?.halved ?? 0) };
    }
    counters.seconds += seconds;
    counters.taken += 1;
    remember(counters.history, report.total);
    for (const [name, value] of Object.entries({ total: report.total, ...report.terms })) {
      counters.sums[name] = (counters.sums[name] ?? 0) + value;
    }
  };

  return async (group) => {
    const before = state.step;
    if (run.counters.history.skipped.includes(before)) {
      state.step = before + 1;
      return "done";
    }
    const began = clock();
    const { report, wrong } = await attempt(group);
    if (report === undefined && wrong === undefined) return "stopped";
    if (wrong !== undefined) {
      const isLeft = run.counters.history.rollbacks < times && (report === undefined || (await run.hasCheckpoint()));
      if (isLeft && (await goBack(before, wrong))) return "back";
      if (!isLeft) onNote?.(`step ${before + 1}: ${wrong}; the run goes on`);
    }
    // What is left out without going back counts as a step, so that batches and steps stay together.
    if (report === undefined) state.step = before + 1;
    else {
      const seconds = (clock() - began) / 1000;
      count(report, seconds);
      onUpdate(report, rateAt(before), seconds);
    }
    return "done";
  };
}
