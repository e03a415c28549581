import { isKdcError } from "@kdc-mae/core";
import type { StepReport } from "@kdc-mae/engine";
import { changesIn, expectSameData, type RunData, withDecoders } from "../corpus/data-digest.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { type LogEntry, type RunFolder, STATE_FILE } from "../run/run-folder.js";
import { clockOf, type Surroundings } from "../surroundings.js";
import { bytesIn, expectSpace } from "./disk-space.js";
import { clocked, grouped, updatesPerEpoch } from "./epochs.js";
import { keepEpoch, mostKept } from "./keep.js";
import { freshHistory, jumped, type LossHistory, notFinite, remember, timesAllowed, wentBack } from "./rollback.js";
import { fadingNote, learningRateAt } from "./schedule.js";
import { restoreState, saveState } from "./state-file.js";

/** What learns, and how: all that a pretraining and a fine-tuning have not in common. */
export type Trainee<Batch> = {
  readonly source: {
    /** Batches of one epoch. */
    readonly stepsPerEpoch: number;
    /** The batches of an epoch from one of them on; the same each time. */
    batches(epoch: number, from: number): AsyncIterable<Batch>;
    /** What the clips are; a run that goes on must find the same. */
    readonly data?: RunData;
  };
  /** Every array that changes, by name: what a checkpoint holds. */
  readonly trees: Readonly<Record<string, unknown>>;
  readonly state: { step: number; readonly optimizer: { updates: number } };
  /** One update; changes nothing when it fails, or when the signal asks to stop before it is done. */
  update(batches: readonly Batch[], rate: number): Promise<StepReport>;
  /** Brings the trees up to date, where what learns lies on a device. */
  readonly collect?: () => Promise<void>;
  /** The trees were changed from outside. */
  readonly changed?: () => void;
  /** Plain values of its own that go with a checkpoint; changed in place. */
  readonly notes?: Record<string, unknown>;
  /** Looks at notes that were saved before they are taken over, and throws where they are of another run. */
  readonly expectOwn?: (saved: Readonly<Record<string, unknown>>) => void;
  /** After the last update of an epoch, counted from 0; gives figures for the log. `losses` are means over it. */
  readonly endEpoch?: (epoch: number, losses: Readonly<Record<string, number>>) => Promise<LogEntry["evaluation"]>;
  /** Saves the model as it is; `weights` says which epochs', in words. */
  saveModel(file: string, weights: string): Promise<void>;
  /** Bytes of the file that makes. */
  readonly modelBytes: number;
};

/** What training says after every update. */
export type TrainProgress = {
  readonly step: number;
  readonly steps: number;
  /** Counted from 0. */
  readonly epoch: number;
  readonly total: number;
  readonly rate: number;
  /** Share of the time since this call began its first epoch in which no batch was ready, 0 to 1. */
  readonly waiting: number;
};

export type TrainOptions = Surroundings & {
  readonly experiment: Pick<CheckedExperiment, "optimizer" | "schedule" | "training">;
  readonly folder: RunFolder<unknown>;
  /** Goes on though the data are others than the run began with; the run keeps a record of it. */
  readonly acceptChangedData?: boolean;
  readonly onStep?: (progress: TrainProgress) => void;
};

/** Counters that a resumed run goes on from. */
type Counters = {
  step: number;
  updates: number;
  /** Epochs that were trained, evaluated and logged, of how many. */
  epochs: number;
  of: number;
  /** Of the epoch under way: updates, losses added up, seconds in updates and seconds without a batch. */
  taken: number;
  sums: Record<string, number>;
  seconds: number;
  waited: number;
  history: LossHistory;
  /** The data the run is trained on, and at which steps it went on with others. */
  data?: RunData;
  otherData?: LogEntry["otherData"];
};

const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Trains epoch by epoch, or goes on with a run that was stopped in this folder: the same batches follow, and the same
 * figures come out. The whole state is saved every `training.checkpointSeconds` and when the signal asks to stop, at
 * once: an update under way is given up and made again.
 *
 * A loss or gradient that is not finite, or a loss that jumps (`training.rollback`), takes the run back to its last
 * checkpoint; the batches it came from are skipped, and a note says so.
 *
 * @throws KdcError when an epoch makes no update, when the disk cannot hold what will be written, when the state is
 * another run's, and for a loss that is not finite once too often
 */
export async function train<Batch>(
  trainee: Trainee<Batch>,
  { experiment, folder, acceptChangedData = false, onStep, onNote, signal, ...around }: TrainOptions,
): Promise<{ readonly finished: boolean; readonly steps: number }> {
  const { source, trees, state } = trainee;
  const { training } = experiment;
  const { accumulate } = training;
  const clock = clockOf(around);
  const perEpoch = updatesPerEpoch(source.stepsPerEpoch, accumulate);
  const steps = training.epochs * perEpoch;
  const rateAt = learningRateAt(experiment, perEpoch);
  const statePath = folder.file(STATE_FILE);
  const stateBytes = bytesIn(...Object.values(trees));
  let counters: Counters = {
    ...{
      step: 0,
      updates: 0,
      epochs: 0,
      of: training.epochs,
      taken: 0,
      sums: {},
      seconds: 0,
      waited: 0,
      history: freshHistory(),
    },
    ...(source.data === undefined ? {} : { data: source.data }),
  };

  /** What a checkpoint says of its data, and what is accepted of changes. */
  const dataOf = (before: Counters): Pick<Counters, "data" | "otherData"> => {
    if (before.data === undefined || source.data === undefined) return { data: source.data ?? before.data };
    const changes = changesIn(before.data, source.data);
    const now = withDecoders(before.data, source.data, onNote);
    if (changes.length === 0) return { data: now };
    if (!acceptChangedData) expectSameData(before.data, now, folder.path);
    onNote?.(`the run goes on with other data from step ${before.step} on: ${changes.join("; ")}`);
    return { data: now, otherData: [...(before.otherData ?? []), { step: before.step, changes }] };
  };

  let saved = { at: clock(), step: -1 };
  const restore = async (): Promise<boolean> => {
    const read = await restoreState(statePath, trees, onNote, trainee.expectOwn);
    if (read === undefined) return false;
    const { own, ...rest } = read as Counters & { readonly own?: Record<string, unknown> };
    counters = { ...rest, ...dataOf(rest) };
    if (trainee.notes !== undefined) Object.assign(trainee.notes, own);
    state.step = counters.step;
    state.optimizer.updates = counters.updates;
    trainee.changed?.();
    saved = { ...saved, step: counters.step };
    return true;
  };
  const save = async () => {
    await trainee.collect?.();
    await expectSpace(folder.path, stateBytes, "a checkpoint takes");
    Object.assign(counters, { step: state.step, updates: state.optimizer.updates });
    await saveState(statePath, trees, { ...counters, own: trainee.notes });
    saved = { at: clock(), step: state.step };
  };
  /** Between times: a full disk is told and tried again later, since stopping would lose more. */
  const saveWhenDue = async () => {
    if (clock() - saved.at <= training.checkpointSeconds * 1000) return;
    await save().catch((error: unknown) => {
      if (!isKdcError(error)) throw error;
      saved = { ...saved, at: clock() };
      onNote?.(`no checkpoint could be saved at step ${state.step}: ${said(error)}`);
    });
  };

  const isResumed = await restore();
  if (counters.epochs < training.epochs) {
    const models = 1 + mostKept(training.keep ?? {}, training.epochs);
    // The state before stays beside the last one, and both while the next is written.
    const written = (isResumed ? 1 : 3) * stateBytes + models * trainee.modelBytes;
    await expectSpace(folder.path, written, "checkpoints and models of this run will take");
    if (counters.of !== training.epochs) {
      const rate = rateAt(state.step).toPrecision(2);
      onNote?.(`the run was to have ${counters.of} epochs and goes on to ${training.epochs}; its rate is ${rate} now`);
      counters.of = training.epochs;
    }
    const fading = fadingNote(experiment);
    if (fading !== undefined) onNote?.(fading);
    const left = source.stepsPerEpoch % accumulate;
    if (left > 0)
      onNote?.(`${left} of ${source.stepsPerEpoch} batches of every epoch are left over by training.accumulate`);
  }

  const first = clock();
  let waitedInAll = 0;
  const wait = (time: number) => {
    counters.waited += time;
    waitedInAll += time;
  };
  /** An update, or undefined when it was given up because the signal asked to stop; the state is saved then. */
  const update = async (group: readonly Batch[]): Promise<StepReport | undefined> => {
    let ask: () => void = () => undefined;
    const asked = new Promise<undefined>((resolve) => {
      ask = () => resolve(undefined);
      signal?.addEventListener("abort", ask);
    });
    const pending = trainee.update(group, rateAt(state.step));
    try {
      const report = await Promise.race([pending, asked]);
      if (report !== undefined) return report;
      // It still computes, and mostly cannot change anything any more.
      await save();
      const taken = await pending;
      // One that a device had begun could not be given up: it counts, and is saved with what it counts for.
      saved = { ...saved, step: -1 };
      return taken;
    } catch (error) {
      if (isKdcError(error) && error.reason === "stopped") return undefined;
      throw error;
    } finally {
      signal?.removeEventListener("abort", ask);
    }
  };
  /** What an update gave, or what was wrong with it, in words. */
  const attempt = async (group: readonly Batch[]): Promise<{ report?: StepReport; wrong?: string }> => {
    try {
      const report = await update(group);
      return { report, wrong: report && jumped(counters.history, report.total, training) };
    } catch (error) {
      const wrong = notFinite(error);
      if (wrong === undefined || counters.history.rollbacks >= timesAllowed(training)) throw error;
      return { wrong };
    }
  };
  /** Back to the last checkpoint because of what happened at a step; false where there is none. */
  const goBack = async (step: number, why: string): Promise<boolean> => {
    const { history } = counters;
    const isBack = await restore();
    counters.history = wentBack(counters.history, history, step, isBack ? state.step : step);
    const times = `(${counters.history.rollbacks} of ${timesAllowed(training)} times)`;
    const what = isBack
      ? `back to step ${state.step}; the batches it came from are skipped`
      : "its batches are skipped";
    onNote?.(`step ${step + 1}: ${why}; ${what} ${times}`);
    return isBack;
  };
  const count = (report: StepReport, began: number): void => {
    counters.seconds += (clock() - began) / 1000;
    counters.taken += 1;
    remember(counters.history, report.total);
    for (const [name, value] of Object.entries({ total: report.total, ...report.terms })) {
      counters.sums[name] = (counters.sums[name] ?? 0) + value;
    }
  };

  type Ended = "done" | "stopped" | "back";
  const step = async (epoch: number, group: readonly Batch[]): Promise<Ended> => {
    const before = state.step;
    if (counters.history.skipped.includes(before)) {
      state.step = before + 1;
      return "done";
    }
    const began = clock();
    const { report, wrong } = await attempt(group);
    if (report === undefined && wrong === undefined) return "stopped";
    if (wrong !== undefined) {
      const isLeft = counters.history.rollbacks < timesAllowed(training) && (report === undefined || saved.step >= 0);
      if (isLeft && (await goBack(before, wrong))) return "back";
      if (!isLeft) onNote?.(`step ${before + 1}: ${wrong}; the run goes on`);
    }
    // What is left out without going back counts as a step, so that batches and steps stay together.
    if (report === undefined) state.step = before + 1;
    else {
      count(report, began);
      const waiting = (1000 * waitedInAll) / (clock() - first);
      onStep?.({ step: state.step, steps, epoch, total: report.total, rate: rateAt(before), waiting });
    }
    return "done";
  };
  const trainEpoch = async (epoch: number): Promise<Ended> => {
    const end = (epoch + 1) * perEpoch;
    if (state.step >= end) return "done";
    const from = (state.step - epoch * perEpoch) * accumulate;
    for await (const group of clocked(grouped(source.batches(epoch, from), accumulate), clock, wait)) {
      const ended = signal?.aborted ? "stopped" : await step(epoch, group);
      if (ended !== "done") return ended;
      if (signal?.aborted) return "stopped";
      if (state.step === end) break;
      await saveWhenDue();
    }
    return "done";
  };

  const endEpoch = async (epoch: number): Promise<void> => {
    await trainee.collect?.();
    const { sums, taken, seconds, waited } = counters;
    const losses = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / taken]));
    const evaluation = await trainee.endEpoch?.(epoch, losses);
    await keepEpoch(folder.path, training.keep ?? {}, epoch + 1, (file) =>
      trainee.saveModel(file, `epoch ${epoch + 1}`),
    );
    await folder.log({
      ...{ epoch, step: state.step, learningRate: rateAt(state.step - 1), seconds, waited, losses },
      ...(evaluation === undefined ? {} : { evaluation }),
      ...(counters.otherData === undefined ? {} : { otherData: counters.otherData }),
    });
    Object.assign(counters, { epochs: epoch + 1, taken: 0, sums: {}, seconds: 0, waited: 0 });
  };

  const stop = async () => {
    if (saved.step !== state.step) await save();
    return { finished: false, steps: state.step };
  };
  while (counters.epochs < training.epochs) {
    const ended = await trainEpoch(counters.epochs);
    if (ended === "back") continue;
    if (ended === "stopped") return stop();
    try {
      await endEpoch(counters.epochs);
    } catch (error) {
      if (!signal?.aborted) throw error;
      return stop();
    }
    const isLast = counters.epochs === training.epochs;
    if (isLast || signal?.aborted) await save();
    else await saveWhenDue();
    if (signal?.aborted && !isLast) return { finished: false, steps: state.step };
  }
  return { finished: true, steps: state.step };
}
