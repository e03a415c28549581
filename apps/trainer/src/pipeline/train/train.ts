import { anyoneAsked } from "@kdc-mae/engine";
import type { CheckedExperiment } from "../experiment/schema.js";
import { ownerOf } from "../ranks/ranks.js";
import type { Communication } from "../ranks/timed.js";
import type { LogEntry, RunFolder } from "../run/run-folder.js";
import { clockOf, ranksOf, type Surroundings } from "../surroundings.js";
import { expectSpace } from "./disk-space.js";
import { clocked, epochsInTurn, grouped, updatesPerEpoch } from "./epochs.js";
import { keepEpoch, mostKept } from "./keep.js";
import type { TrainObserver, Update } from "./observer.js";
import { runState } from "./run-state.js";
import { fadingNote, learningRateAt } from "./schedule.js";
import { type Ended, stepTaker } from "./take-step.js";
import type { Trainee } from "./trainee.js";

/** So many updates before the end of an epoch the first batches of the next are begun. */
const LAST_UPDATES = 3;

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
  /** Shares of the time of this call's updates: numbers travelling between ranks, and waiting for slower ones. */
  readonly ranks?: { readonly travelling: number; readonly waiting: number };
};

export type TrainOptions = Surroundings & {
  readonly experiment: Pick<CheckedExperiment, "optimizer" | "schedule" | "training">;
  readonly folder: RunFolder<unknown>;
  /** Goes on though the data are others than the run began with; the run keeps a record of it. */
  readonly acceptChangedData?: boolean;
  readonly onStep?: (progress: TrainProgress) => void;
  readonly observer?: TrainObserver;
};

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
  { experiment, folder, acceptChangedData = false, onStep, observer, onNote, signal, ...around }: TrainOptions,
): Promise<{ readonly finished: boolean; readonly steps: number }> {
  const { source, state } = trainee;
  const { training } = experiment;
  const { accumulate } = training;
  const clock = clockOf(around);
  const ranks = ranksOf(around);
  const { pieces = 1 } = source;
  const batches = Math.floor(source.stepsPerEpoch / pieces);
  const perEpoch = updatesPerEpoch(batches, accumulate);
  const perUpdate = accumulate * pieces;
  const isOwn = (place: number) => ownerOf(place % perUpdate, perUpdate, ranks) === ranks.rank;
  /** Whether the run is to stop, as all ranks see it. */
  const asked = (isEnough = false) => anyoneAsked(ranks, { aborted: isEnough || signal?.aborted === true });
  const steps = training.epochs * perEpoch;
  const rateAt = learningRateAt(experiment, perEpoch);
  const run = runState(trainee, { folder, training, acceptChangedData, clock, onNote, ranks });

  const isResumed = await run.restore();
  if (run.counters.epochs < training.epochs) {
    const models = 1 + mostKept(training.keep ?? {}, training.epochs);
    // The state before stays beside the last one, and both while the next is written.
    const written = (isResumed ? 1 : 3) * run.bytes + models * trainee.modelBytes;
    if (ranks.rank === 0) await expectSpace(folder.path, written, "checkpoints and models of this run will take");
    if (run.counters.of !== training.epochs) {
      const rate = rateAt(state.step).toPrecision(2);
      onNote?.(
        `the run was to have ${run.counters.of} epochs and goes on to ${training.epochs}; its learning rate is ${rate} now`,
      );
      run.counters.of = training.epochs;
    }
    const fading = fadingNote(experiment);
    if (fading !== undefined) onNote?.(fading);
    const left = batches % accumulate;
    if (left > 0) onNote?.(`${left} of ${batches} batches of every epoch are left over by training.accumulate`);
  }

  await observer?.begin(state.step, steps, perEpoch);
  const first = clock();
  let waitedInAll = 0;
  const wait = (time: number) => {
    run.counters.waited += time;
    waitedInAll += time;
  };
  const between = timeBetween(trainee.spent);
  let latest: Update | undefined;
  const takeStep = stepTaker(trainee, run, {
    ...{ training, rateAt, clock, onNote, signal },
    onUpdate: (report, rate, seconds) => {
      between.add(run.counters, seconds);
      const waiting = (1000 * waitedInAll) / (clock() - first);
      latest = { ...report, epoch: run.counters.epochs, rate, waiting };
      const progress = { step: state.step, steps, epoch: run.counters.epochs, total: report.total, rate, waiting };
      onStep?.({ ...progress, ...(ranks.size === 1 ? {} : { ranks: between.shares() }) });
    },
  });
  /** Shows the observer an update that counted, once. */
  const observe = async (): Promise<"stop" | undefined> => {
    const update = latest;
    latest = undefined;
    return update && observer?.update(update);
  };
  const epochs = epochsInTurn((epoch, from) => source.batches(epoch, from, isOwn));
  const trainEpoch = async (epoch: number): Promise<Ended> => {
    const end = (epoch + 1) * perEpoch;
    if (state.step >= end) return "done";
    const from = (state.step - epoch * perEpoch) * perUpdate;
    for await (const group of clocked(grouped(epochs.batches(epoch, from), perUpdate, isOwn), clock, wait)) {
      // Whoever makes batches has made the last of this epoch: the next is not to begin with waiting.
      if (end - state.step <= LAST_UPDATES && epoch + 1 < training.epochs) epochs.begin(epoch + 1);
      const ended = (await asked()) ? "stopped" : await takeStep(group);
      if (ended !== "done") return ended;
      const isEnough = (await observe()) === "stop";
      if (await asked(isEnough)) return "stopped";
      if (state.step === end) break;
      await run.saveWhenDue();
    }
    return "done";
  };

  const endEpoch = async (epoch: number): Promise<{ readonly isBest: boolean }> => {
    await trainee.collect?.();
    const { sums, taken, seconds, waited, lossScale, otherData, travelled = 0, lagged = 0 } = run.counters;
    const losses = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / taken]));
    const { evaluation, isBest = false } = (await trainee.endEpoch?.(epoch, losses)) ?? {};
    if (ranks.rank === 0) {
      await keepEpoch(folder.path, training.keep ?? {}, epoch + 1, (file) =>
        trainee.saveModel(file, `epoch ${epoch + 1}`),
      );
    }
    const entry: LogEntry = {
      ...{ epoch, step: state.step, learningRate: rateAt(state.step - 1), seconds, waited, losses },
      ...(ranks.size === 1 ? {} : { ranks: { size: ranks.size, travelled, waited: lagged } }),
      ...(lossScale === undefined ? {} : { lossScale }),
      ...(evaluation === undefined ? {} : { evaluation }),
      ...(otherData === undefined ? {} : { otherData }),
    };
    await folder.log(entry);
    await observer?.epoch(entry);
    Object.assign(run.counters, {
      epochs: epoch + 1,
      taken: 0,
      sums: {},
      seconds: 0,
      waited: 0,
      travelled: 0,
      lagged: 0,
      lossScale: undefined,
    });
    return { isBest };
  };

  const stop = async () => {
    if (!run.isSaved()) await run.save();
    return { finished: false, steps: state.step };
  };
  const trainOn = async (): Promise<{ readonly finished: boolean; readonly steps: number }> => {
    while (run.counters.epochs < training.epochs) {
      const ended = await trainEpoch(run.counters.epochs);
      if (ended === "back") {
        latest = undefined;
        await observer?.back(state.step);
        continue;
      }
      if (ended === "stopped") return stop();
      let isBest = false;
      try {
        ({ isBest } = await endEpoch(run.counters.epochs));
      } catch (error) {
        // Of several ranks, others may not have been asked, and go on.
        if (!signal?.aborted || ranks.size > 1) throw error;
        return stop();
      }
      const isLast = run.counters.epochs === training.epochs;
      const isAsked = await asked();
      if (isLast || isAsked) await run.save();
      // Whoever goes back later must not come to a step before the best epoch's: its file would be of steps undone.
      else await (isBest ? run.saveIfPossible() : run.saveWhenDue());
      if (isAsked && !isLast) return { finished: false, steps: state.step };
    }
    return { finished: true, steps: state.step };
  };
  return trainOn().finally(epochs.drop);
}

/** Counts what updates spend on other ranks, beside their seconds. */
function timeBetween(spent: () => Communication = () => ({ travelled: 0, waited: 0 })) {
  const first = spent();
  let [before, inUpdates] = [first, 0];
  return {
    add(counters: { travelled?: number; lagged?: number }, seconds: number): void {
      const now = spent();
      counters.travelled = (counters.travelled ?? 0) + now.travelled - before.travelled;
      counters.lagged = (counters.lagged ?? 0) + now.waited - before.waited;
      [before, inUpdates] = [now, inUpdates + seconds];
    },
    shares: () => ({
      travelling: (before.travelled - first.travelled) / inUpdates,
      waiting: (before.waited - first.waited) / inUpdates,
    }),
  };
}
