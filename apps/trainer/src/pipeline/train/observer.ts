import type { StepReport } from "@kdc-mae/engine";
import type { LogEntry } from "../run/run-folder.js";

/** What an observer hears about an update that counts. */
export type Update = StepReport & {
  /** Counted from 0. */
  readonly epoch: number;
  readonly rate: number;
  /** As in `TrainProgress`. */
  readonly waiting: number;
};

/** Looks at a run while it trains, and changes no figure of it. */
export type TrainObserver = {
  /** Before the first update of this call: the step the run is at, of how many, and updates of an epoch. */
  begin(step: number, steps: number, perEpoch: number): Promise<void>;
  /** After every update that counts. `stop` ends the run there as Ctrl-C does: its state is saved. */
  update(update: Update): Promise<"stop" | undefined>;
  /** The run went back to this step: later updates are undone. */
  back(step: number): Promise<void>;
  /** After every epoch, with its line of the log. */
  epoch(entry: LogEntry): Promise<void>;
};
