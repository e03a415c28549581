import { type FloatTensor, isKdcError, KdcError, treeLeaves } from "@kdc-mae/core";
import { changesIn, expectSameData, type RunData, withDecoders } from "../corpus/data-digest.js";
import { type Ranks, told } from "../ranks/ranks.js";
import { type LogEntry, type RunFolder, STATE_FILE } from "../run/run-folder.js";
import { bytesIn, expectSpace } from "./disk-space.js";
import { freshHistory, type LossHistory } from "./rollback.js";
import { restoreState, saveState } from "./state-file.js";
import type { Trainee } from "./trainee.js";

/** Counters that a resumed run goes on from. */
export type Counters = {
  step: number;
  /** What the optimizer counted. */
  optimizer: Readonly<Record<string, number>>;
  /** Epochs that were trained, evaluated and logged, of how many. */
  epochs: number;
  of: number;
  /** Of the epoch under way: updates, losses added up, seconds in updates and seconds without a batch. */
  taken: number;
  sums: Record<string, number>;
  seconds: number;
  waited: number;
  /** Of the epoch under way, in mixed precision. */
  lossScale?: LogEntry["lossScale"];
  /** Of the seconds in updates: numbers travelling between ranks, and waiting for slower ones. */
  travelled?: number;
  lagged?: number;
  history: LossHistory;
  /** The data the run is trained on, and at which steps it went on with others. */
  data?: RunData;
  otherData?: LogEntry["otherData"];
};

const freshCounters = (epochs: number): Counters => ({
  ...{ step: 0, optimizer: {}, epochs: 0, of: epochs },
  ...{ taken: 0, sums: {}, seconds: 0, waited: 0, history: freshHistory() },
});

/** What a run goes on from: counters and arrays, and the file they are saved in. */
export type RunState = {
  /** Changed in place; another object after `restore`. */
  readonly counters: Counters;
  /** Bytes that a save takes. */
  readonly bytes: number;
  /** True where the arrays are as they were last saved at a step of this run. */
  isSaved(): boolean;
  /** True where there is a checkpoint to go back to; asked by all ranks. */
  hasCheckpoint(): Promise<boolean>;
  /** Takes over what was saved last, as rank 0 finds it; false where nothing was. @throws KdcError for a state of another run */
  restore(): Promise<boolean>;
  /** Rank 0 writes; the others have nothing to do. */
  save(): Promise<void>;
  /** Between times: a full disk is reported and the next save tries again, since stopping would lose more. */
  saveIfPossible(): Promise<void>;
  /** The same, where the last save is long enough ago. */
  saveWhenDue(): Promise<void>;
  /** Something counted since the last save though it is of the same step. */
  outdate(): void;
};

/** Of an update that could not be given up any more while the state was saved: ranks had agreed on it. */
const changedMeanwhile = (path: string, step: number): KdcError =>
  new KdcError({
    where: path,
    what: `the model was updated while the state of step ${step} was being written`,
    remedy: "Save it again",
    reason: "changed",
  });

/** The state of a run in its folder; nothing is read before `restore` is called. */
export function runState(
  {
    source,
    trees,
    state,
    notes,
    ...trainee
  }: Pick<Trainee<unknown>, "source" | "trees" | "state" | "optimizer" | "collect" | "changed" | "notes" | "expectOwn">,
  options: {
    readonly folder: RunFolder<unknown>;
    readonly training: { readonly epochs: number; readonly checkpointSeconds: number };
    readonly acceptChangedData: boolean;
    readonly clock: () => number;
    readonly onNote?: (note: string) => void;
    readonly ranks: Ranks;
  },
): RunState {
  const { folder, training, acceptChangedData, clock, onNote, ranks } = options;
  const path = folder.file(STATE_FILE);
  const bytes = bytesIn(...Object.values(trees));
  const first = { ...notes };
  let counters: Counters = {
    ...freshCounters(training.epochs),
    ...(source.data === undefined ? {} : { data: source.data }),
  };
  let saved = { at: clock(), step: -1 };

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
  const save = async () => {
    if (ranks.rank > 0) {
      saved = { at: clock(), step: state.step };
      return;
    }
    await trainee.collect?.();
    await expectSpace(folder.path, bytes, "a checkpoint takes");
    const { step } = state;
    Object.assign(counters, { step, optimizer: trainee.optimizer.counters() });
    const expectStill = () => {
      if (state.step !== step) throw changedMeanwhile(path, step);
    };
    try {
      await saveState(path, trees, { ...counters, own: notes }, expectStill);
      saved = { at: clock(), step };
    } catch (error) {
      // It is written again when the update that came in between is counted.
      if (!isKdcError(error) || error.reason !== "changed") throw error;
    }
  };

  const saveIfPossible = (): Promise<void> =>
    save().catch((error: unknown) => {
      if (!isKdcError(error)) throw error;
      saved = { ...saved, at: clock() };
      onNote?.(`no checkpoint could be saved at step ${state.step}: ${error.message}`);
    });

  return {
    get counters() {
      return counters;
    },
    bytes,
    isSaved: () => saved.step === state.step,
    hasCheckpoint: () => told(ranks, () => saved.step >= 0),
    async restore() {
      const read = await told(ranks, () => restoreState(path, trees, onNote, trainee.expectOwn));
      if (read === undefined) return false;
      for (const [, { data }] of ranks.size === 1 ? [] : treeLeaves<FloatTensor>(trees)) {
        await ranks.broadcast(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      }
      const { own, updates = 0, ...rest } = read as Counters & { readonly own?: object; readonly updates?: number };
      // A state of before optimizers wrote down their own counters has `updates` beside the others.
      counters = { ...rest, optimizer: rest.optimizer ?? { updates }, ...dataOf(rest) };
      if (notes !== undefined) {
        // What came up since is undone with the steps it came from.
        for (const key of Object.keys(notes)) delete notes[key];
        Object.assign(notes, first, own);
      }
      state.step = counters.step;
      trainee.optimizer.restore(counters.optimizer);
      trainee.changed?.();
      saved = { ...saved, step: counters.step };
      return true;
    },
    save,
    saveIfPossible,
    async saveWhenDue() {
      if (clock() - saved.at > training.checkpointSeconds * 1000) await saveIfPossible();
    },
    outdate() {
      saved = { ...saved, step: -1 };
    },
  };
}
