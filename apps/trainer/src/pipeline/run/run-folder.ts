import { existsSync } from "node:fs";
import { appendFile, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { fileError, makeFolder, readJson, sweepTemporaries, withLock, writeWhole } from "@kdc-mae/core/node";
import { asWritten, checkExperiment } from "../experiment/check.js";
import { differingKeys, valueAt } from "../experiment/differing.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { alone, type Ranks } from "../ranks/ranks.js";

/** One line of a run's log: the means over an epoch. */
export type LogEntry = {
  readonly epoch: number;
  readonly step: number;
  readonly learningRate: number;
  /** Spent in training steps. */
  readonly seconds: number;
  /** Beside them, seconds in which pretraining had no batch to work on. */
  readonly waited?: number;
  /** Of several ranks: how many, and of the seconds in training steps, those in which numbers travelled and in which rank 0 waited for others. */
  readonly ranks?: { readonly size: number; readonly travelled: number; readonly waited: number };
  readonly losses: Readonly<Record<string, number>>;
  /** In mixed precision: what the loss was multiplied by in the last step, and how often that was halved in the epoch. */
  readonly lossScale?: { readonly value: number; readonly halved: number };
  /** Where the run went on though its data were others than it began with: from which step, and what changed. */
  readonly otherData?: readonly { readonly step: number; readonly changes: readonly string[] }[];
  /** Figures on the clips that are evaluated after every epoch, where there are such. */
  readonly evaluation?: Readonly<Record<string, number | null>>;
};

/** Where one run keeps everything it makes. */
export type RunFolder<Experiment = CheckedExperiment> = {
  readonly path: string;
  readonly experiment: Experiment;
  file(name: string): string;
  log(entry: LogEntry): Promise<void>;
  readLog(): Promise<LogEntry[]>;
};

/** The file that says what a run is. */
export const EXPERIMENT = "experiment.json";
const LOG = "log.jsonl";

/** The file a run keeps what it needs to go on in. */
export const STATE_FILE = "state.safetensors";

/** Whether a kill cut the last line of a file short: what follows begins a line of its own. */
export async function isCut(path: string): Promise<boolean> {
  if (!existsSync(path)) return false;
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    return size > 0 && last.toString() !== "\n";
  } finally {
    await file.close();
  }
}

/** Any of these shows that something was trained. */
const traces = [LOG, STATE_FILE, "model.safetensors"];

/** Keys that say how a run is conducted and change no figure of it. */
const conduct = /^(training\.(checkpointSeconds|keep|probes|rollback\.times)(\.|$)|data\.(workers|decoder)$)/;

/** Whether the key is the epochs, and there are more of them now. */
const isLonger = (key: string, before: unknown, now: unknown): boolean =>
  key === "training.epochs" && Number(valueAt(now, key)) > Number(valueAt(before, key));

/**
 * Opens a run's folder, or begins it. A run may go on for more epochs, and be conducted otherwise (how often it saves);
 * one that never came to train anything is begun anew.
 *
 * @throws KdcError when the folder holds a run of another experiment
 */
export async function openRunFolder<Experiment>(path: string, experiment: Experiment): Promise<RunFolder<Experiment>> {
  await makeFolder(path);
  await sweepTemporaries(path);
  await expectNoOtherRun(path, experiment);
  await writeWhole(join(path, EXPERIMENT), `${JSON.stringify(experiment, null, 2)}\n`);
  return folder(path, experiment);
}

/**
 * Looks whether a folder can take a run, and changes nothing.
 *
 * @throws KdcError when it holds a run of another experiment
 */
export async function expectNoOtherRun(path: string, experiment: unknown): Promise<void> {
  const file = join(path, EXPERIMENT);
  if (existsSync(file) && traces.some((name) => existsSync(join(path, name)))) {
    // As it would be written: a loss term from another package is its name there.
    const now = JSON.parse(JSON.stringify(experiment));
    const before = await readExperiment(file);
    const forbidden = differingKeys(before, now).filter((key) => !conduct.test(key) && !isLonger(key, before, now));
    if (forbidden.length > 0) {
      const told = forbidden.map((key) => `${key} is ${valueAt(now, key)}, and ${valueAt(before, key)} there`);
      throw new KdcError({
        where: `run folder ${path}`,
        what: `it holds a run of another experiment: ${told.join("; ")}`,
        remedy: "Give another folder with --out, or delete this one",
        reason: "run-folder",
      });
    }
  }
}

/**
 * Works in a run's folder as its only writer. Of several ranks the first is, and the others are given a folder that
 * writes no log.
 *
 * @throws KdcError reason `locked` when another run writes there, and those of {@link openRunFolder}
 */
export const inRunFolder = <Experiment, T>(
  path: string,
  experiment: Experiment,
  work: (folder: RunFolder<Experiment>) => Promise<T>,
  ranks: Ranks = alone,
): Promise<T> =>
  ranks.rank === 0
    ? withLock(path, async () => {
        const opened = await openRunFolder(path, experiment);
        await ranks.barrier();
        return work(opened);
      })
    : ranks.barrier().then(() => work({ ...folder(path, experiment), log: async () => undefined }));

/**
 * Reads the folder of a run that was begun earlier.
 *
 * @throws KdcError when there is none
 */
export async function readRunFolder(path: string): Promise<RunFolder> {
  const file = join(path, EXPERIMENT);
  if (!existsSync(file)) {
    throw new KdcError({
      where: `run folder ${path}`,
      what: `there is no ${EXPERIMENT} in it`,
      remedy: "Give a folder that pretrain, finetune or demo made",
      reason: "run-folder",
    });
  }
  return folder(path, checkExperiment(await readExperiment(file), file));
}

const readExperiment = async (file: string): Promise<unknown> =>
  asWritten(
    await readJson(file, "Restore it from a copy: without it the run cannot go on. To begin again, delete the folder"),
  );

function folder<Experiment>(path: string, experiment: Experiment): RunFolder<Experiment> {
  return {
    path,
    experiment,
    file: (name) => join(path, name),
    log: async (entry) => {
      const file = join(path, LOG);
      try {
        await appendFile(file, `${(await isCut(file)) ? "\n" : ""}${JSON.stringify(entry)}\n`);
      } catch (error) {
        throw fileError("write", file, error);
      }
    },
    readLog: () => readLogEntries(path),
  };
}

/** The lines of a run's log, epoch by epoch; those cut short by a kill are passed over, their epochs run again. */
export async function readLogEntries(path: string): Promise<LogEntry[]> {
  if (!existsSync(join(path, LOG))) return [];
  const lines = (await readFile(join(path, LOG), "utf8")).split("\n").filter((line) => line !== "");
  const entries = new Map<number, LogEntry>();
  for (const line of lines) {
    try {
      const entry = JSON.parse(line) as LogEntry;
      entries.set(entry.epoch, entry);
    } catch {
      // Cut short.
    }
  }
  return [...entries.values()].sort((a, b) => a.epoch - b.epoch);
}
