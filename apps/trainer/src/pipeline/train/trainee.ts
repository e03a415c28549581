import type { StepReport } from "@kdc-mae/engine";
import type { RunData } from "../corpus/data-digest.js";
import type { Communication } from "../ranks/timed.js";
import type { LogEntry } from "../run/run-folder.js";
import type { StateTrees } from "./state-file.js";

/** What an epoch ended with. */
export type EpochEnd = {
  /** Figures for the log. */
  readonly evaluation?: LogEntry["evaluation"];
  /** A file of the best epoch holds this one's model now. */
  readonly isBest: boolean;
};

/** What learns, and how: all that a pretraining and a fine-tuning have not in common. */
export type Trainee<Batch> = {
  readonly source: {
    /** Batches of one epoch. */
    readonly stepsPerEpoch: number;
    /** The batches of an epoch from one of them on; the same each time. Those that are not wanted are left out. */
    batches(epoch: number, from: number, wanted?: (batch: number) => boolean): AsyncIterable<Batch>;
    /** How many of them count as one batch of the experiment, which is computed in pieces; 1 unless given. */
    readonly pieces?: number;
    /** What the clips are; a run that goes on must find the same. */
    readonly data?: RunData;
  };
  /** Every array that changes, by name: what a checkpoint holds. */
  readonly trees: StateTrees;
  readonly state: { step: number };
  /** What the optimizer counts: its numbers as they are, and how it takes over those of a checkpoint. */
  readonly optimizer: {
    counters(): Readonly<Record<string, number>>;
    restore(counters: Readonly<Record<string, number>>): void;
  };
  /**
   * One update; changes nothing when it fails, or when the signal asks to stop before it is done. Batches of other
   * ranks are undefined.
   */
  update(batches: readonly (Batch | undefined)[], rate: number): Promise<StepReport>;
  /** What updates have spent on other ranks so far. */
  readonly spent?: () => Communication;
  /** Brings the trees up to date, where what learns lies on a device. */
  readonly collect?: () => Promise<void>;
  /** The trees were changed from outside. */
  readonly changed?: () => void;
  /** Plain values of its own that go with a checkpoint; changed in place. */
  readonly notes?: Record<string, unknown>;
  /** Looks at notes that were saved before they are taken over, and throws where they are of another run. */
  readonly expectOwn?: (saved: Readonly<Record<string, unknown>>) => void;
  /** After the last update of an epoch, counted from 0. `losses` are means over it. */
  readonly endEpoch?: (epoch: number, losses: Readonly<Record<string, number>>) => Promise<EpochEnd>;
  /** Saves the model as it is; `weights` says which epochs', in words. */
  saveModel(file: string, weights: string): Promise<void>;
  /** Bytes of the file that makes. */
  readonly modelBytes: number;
};
