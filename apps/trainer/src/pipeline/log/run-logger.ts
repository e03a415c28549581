import type { Probe } from "@kdc-mae/eval";
import type { RunData } from "../corpus/data-digest.js";
import type { LogEntry } from "../run/run-folder.js";

/** What a logger gets when a run begins, or goes on. */
export type RunAbout = {
  readonly name: string;
  /** The run's folder. */
  readonly folder: string;
  /** The whole experiment, as `experiment.json` has it. */
  readonly experiment: unknown;
  readonly step: number;
  readonly steps: number;
  /** Processor and Node, in words. */
  readonly machine: string;
  /** What computes, in words, where it says: runtime, device and driver, precision. */
  readonly on?: string;
};

/** What happens in a run. `time` is in milliseconds since 1970; `step` counts updates. */
export type RunRecord = { readonly time: number; readonly step: number } & (
  | {
      /** A run began, or went on from this step. */
      readonly kind: "begin";
      readonly steps: number;
      readonly perEpoch: number;
      readonly machine: string;
      readonly on?: string;
      /** The clips that are trained on, and those that the data name. */
      readonly data?: RunData;
    }
  | { /** The run is at this step again: what was told of later ones is undone. */ readonly kind: "back" }
  | {
      /** Ten updates, or those of half a minute. */
      readonly kind: "steps";
      readonly epoch: number;
      /** Means over these updates: `total`, and each term by name. */
      readonly losses: Readonly<Record<string, number>>;
      /** Of each of these updates, before clipping. */
      readonly gradientNorms: readonly number[];
      readonly learningRate: number;
      /** What the loss was multiplied by in the last of them, in mixed precision. */
      readonly lossScale?: number;
      readonly clipsPerSecond: number;
      /** Share of the time without a batch, 0 to 1. */
      readonly waiting: number;
      /** Bytes that the process holds. */
      readonly memory: number;
      readonly secondsLeft: number;
    }
  | {
      readonly kind: "epoch";
      readonly entry: LogEntry /** Of the processors, since this call began. */;
      readonly joules?: number;
    }
  | {
      readonly kind: "probe";
      readonly probe: Probe;
      /** Entropy of the attention of each joint block, mean over heads, 0 to 1. */
      readonly attentionEntropy: readonly number[];
      readonly seconds: number;
    }
  | { readonly kind: "pictures" /** PNG files, beside the run's others. */; readonly pictures: readonly RunPicture[] }
  | { readonly kind: "warning"; readonly sign: string; readonly what: string; readonly remedy: string }
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "end"; readonly state: "finished" | "stopped" | "collapsed" | "failed" }
);

/** One picture of a run: what it shows, its file in the run's folder, and its size in pixels. */
export type RunPicture = {
  readonly name: string;
  readonly file: string;
  readonly width: number;
  readonly height: number;
};

/** Takes what happens in a run to somebody who shows it. The run's own log is whole without any. */
export type RunLogger = {
  /** What it is called where it fails. */
  readonly name: string;
  /** Once, before all records of this call. */
  begin(about: RunAbout): Promise<void> | void;
  /** One record, in the order in which things happen; the run waits for it. */
  log(record: RunRecord): Promise<void> | void;
  /** Once, after the last record. */
  close(): Promise<void> | void;
};

/**
 * Several loggers as one, told one thing after another though nobody waits in between. What one of them throws never reaches the run: it is reported once, and that logger is left out
 * from then on.
 */
export function joinLoggers(loggers: readonly RunLogger[], onNote?: (note: string) => void): RunLogger {
  const going = new Set(loggers);
  const tell = async (work: (logger: RunLogger) => Promise<void> | void) => {
    for (const logger of [...going]) {
      try {
        await work(logger);
      } catch (error) {
        going.delete(logger);
        const why = error instanceof Error ? error.message : String(error);
        onNote?.(`${logger.name} gets no more of this run, which goes on: ${why}`);
      }
    }
  };
  let before: Promise<void> = Promise.resolve();
  const each = (work: (logger: RunLogger) => Promise<void> | void): Promise<void> => {
    before = before.then(() => tell(work));
    return before;
  };
  return {
    name: "all",
    begin: (about) => each((logger) => logger.begin(about)),
    log: (record) => each((logger) => logger.log(record)),
    close: () => each((logger) => logger.close()),
  };
}
