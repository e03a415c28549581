import { KdcError } from "@kdc-mae/core";
import { type CollapseSign, collapseSigns, type Probe } from "@kdc-mae/eval";
import type { RunData } from "../corpus/data-digest.js";
import type { RunFolder } from "../run/run-folder.js";
import { clockOf, machineInWords, memoryOf, nowOf, type Surroundings } from "../surroundings.js";
import type { TrainObserver, Update } from "../train/observer.js";
import { openEnergyMeter } from "./energy.js";
import { eventsFile, readEvents } from "./events-file.js";
import { joinLoggers, type RunLogger, type RunPicture, type RunRecord } from "./run-logger.js";

/** Updates that one record sums up, or fewer where they take longer. */
const UPDATES = 10;
const SECONDS = 30;
/** Largest share of the time that looking at held-out clips may take. */
export const PROBE_SHARE = 0.03;

/** Looks at a model on clips it is not trained on. */
export type Prober = {
  readonly every?: number;
  /** The model as it is now. */
  probe(): Promise<{ readonly probe: Probe; readonly attentionEntropy: readonly number[] }>;
  /** Pictures of a few of them, written in the run's folder. */
  picture(step: number): Promise<readonly RunPicture[]>;
};

/** What a run under way is logged and shown with. */
export type RunObserver = TrainObserver & {
  /** What is told of the step the run is at then. */
  note(text: string, step: number): void;
  /** Why the run was ended, where it collapsed. */
  collapsed(): readonly CollapseSign[] | undefined;
  close(state: Extract<RunRecord, { kind: "end" }>["state"]): Promise<void>;
};

/** What is looked at in a run, and which loggers get it. */
export type RunWatch = {
  readonly name: string;
  /** Clips in one update. */
  readonly clips: number;
  /** What computes, in words. */
  readonly on?: string;
  readonly loggers?: readonly RunLogger[];
  readonly prober?: Prober;
  /** Steps in which the model only begins: no collapse is reported for them. */
  readonly warmup?: (steps: number, perEpoch: number) => number;
  /** Whether the objective contrasts clips. */
  readonly contrast?: boolean;
  /** Ends the run where its model collapses. */
  readonly stopOnCollapse?: boolean;
  /** What the run's clips are. */
  readonly data?: RunData;
};

type Options = Surroundings & RunWatch & { readonly folder: RunFolder<unknown> };

const meansOf = (updates: readonly Update[]): Record<string, number> => {
  const sums: Record<string, number> = {};
  for (const { total, terms } of updates) {
    for (const [name, value] of Object.entries({ total, ...terms }))
      sums[name] = (sums[name] ?? 0) + value / updates.length;
  }
  return sums;
};

/** Writes down all that happens in a run, and looks at its model every so many steps. */
export async function observeRun(options: Options): Promise<RunObserver> {
  const { folder, prober, on, contrast = false, stopOnCollapse = false } = options;
  const { path } = folder;
  const [clock, now, memory] = [clockOf(options), nowOf(options), memoryOf(options)];
  const logger = joinLoggers([eventsFile(path), ...(options.loggers ?? [])], options.onNote);
  const energy = await openEnergyMeter();
  let [step, steps, perEpoch, began] = [0, 0, 0, clock()];
  const at = () => ({ time: now(), step });
  const since = (start: number) => (clock() - start) / 1000;

  /** Notes of before the run began, which follow its first record. */
  let early: RunRecord[] | undefined = [];
  const writeEarly = async () => {
    const notes = early ?? [];
    early = undefined;
    for (const note of notes) await logger.log(note);
  };

  let waiting: Update[] = [];
  let last = clock();
  const writeSteps = async () => {
    const updates = waiting;
    if (updates.length === 0) return;
    waiting = [];
    const seconds = Math.max(since(last), 1e-6);
    last = clock();
    const { epoch, rate, waiting: share, lossScale } = updates[updates.length - 1];
    await logger.log({
      ...{ ...at(), kind: "steps", epoch, losses: meansOf(updates), learningRate: rate, waiting: share },
      ...(lossScale === undefined ? {} : { lossScale: lossScale.value }),
      gradientNorms: updates.map(({ gradientNorm }) => gradientNorm),
      clipsPerSecond: (updates.length * options.clips) / seconds,
      memory: memory(),
      secondsLeft: (seconds / updates.length) * (steps - step),
    });
  };

  const probes: { readonly step: number; readonly probe: Probe }[] = [];
  let signs: readonly CollapseSign[] | undefined;
  const told = new Set<string>();
  let [spent, most, passedOver] = [0, 0, 0];
  /** A look is due by its step, and as long as all looks together stay within their share of the time. */
  const isDue = (): boolean => {
    if (prober === undefined || options.signal?.aborted) return false;
    const every = prober.every ?? Math.max(10, Math.ceil(steps / 100));
    if (step % every !== 0) return false;
    if (most === 0 || spent + most <= PROBE_SHARE * since(began)) return true;
    passedOver += 1;
    if (passedOver === 1)
      options.onNote?.(
        `probes: one takes ${most.toFixed(2)} s, and every ${every} steps they would take more than ${100 * PROBE_SHARE} % of the time; some are passed over`,
      );
    return false;
  };
  const look = async (taken: Prober): Promise<"stop" | undefined> => {
    const start = clock();
    const seen = await taken.probe();
    await logger.log({ ...at(), kind: "probe", ...seen, seconds: since(start) });
    const pictures = await taken.picture(step);
    if (pictures.length > 0) await logger.log({ ...at(), kind: "pictures", pictures });
    const seconds = since(start);
    spent += seconds;
    // The first one also makes its programs.
    most = most === 0 ? seconds : Math.max(seconds, 0.9 * most);
    last += 1000 * seconds;
    probes.push({ step, probe: seen.probe });
    const after = options.warmup?.(steps, perEpoch) ?? 0;
    const grown = probes.filter((one) => one.step > after).map(({ probe }) => probe);
    const found = collapseSigns(grown, { contrast });
    for (const { sign, what, remedy } of found) {
      await logger.log({ ...at(), kind: "warning", sign, what, remedy });
      if (!told.has(sign)) options.onNote?.(`step ${step}: ${what}. ${remedy}`);
      told.add(sign);
    }
    for (const sign of [...told]) if (!found.some((one) => one.sign === sign)) told.delete(sign);
    if (found.length === 0 || !stopOnCollapse) return undefined;
    signs = found;
    return "stop";
  };

  return {
    async begin(from, of, updates) {
      [step, steps, perEpoch, began, last] = [from, of, updates, clock(), clock()];
      let before: string | undefined;
      for (const record of await readEvents(path)) {
        if (record.kind === "begin") before = record.on;
        if (record.kind === "probe" && record.step <= from) probes.push({ step: record.step, probe: record.probe });
      }
      const machine = machineInWords();
      await logger.begin({
        ...{ name: options.name, folder: path, experiment: folder.experiment, step, steps, machine, on },
      });
      await logger.log({ ...at(), kind: "begin", steps, perEpoch, machine, on, data: options.data });
      await writeEarly();
      if (before === undefined || on === undefined || before === on) return;
      const text = `the run was computed on ${before}, and is from step ${from} on computed on ${on}`;
      await logger.log({ ...at(), kind: "note", text });
      options.onNote?.(text);
    },
    async update(update) {
      step = update.step;
      waiting.push(update);
      if (step % UPDATES === 0 || since(last) >= SECONDS) await writeSteps();
      return prober !== undefined && isDue() ? look(prober) : undefined;
    },
    async back(to) {
      // What was not written down yet is undone too.
      step = to;
      waiting = waiting.filter((one) => one.step <= to);
      await writeSteps();
      while (probes.length > 0 && probes[probes.length - 1].step > to) probes.pop();
      await logger.log({ ...at(), kind: "back" });
    },
    async epoch(entry) {
      await writeSteps();
      const joules = await energy?.read().catch(() => undefined);
      await logger.log({ ...at(), kind: "epoch", entry, ...(joules === undefined ? {} : { joules }) });
    },
    note(text, step) {
      const record = { time: now(), step, kind: "note", text } as const;
      if (early === undefined) void logger.log(record);
      else early.push(record);
    },
    collapsed: () => signs,
    async close(state) {
      await writeEarly();
      await writeSteps();
      await logger.log({ ...at(), kind: "end", state: signs === undefined ? state : "collapsed" });
      await logger.close();
    },
  };
}

/** What a run ends with that collapsed; its state is saved. */
export function collapseError(folder: string, signs: readonly CollapseSign[]): KdcError {
  return new KdcError({
    where: `run folder ${folder}`,
    what: `its model has collapsed, and --stop-on-collapse ended it: ${signs.map(({ what }) => what).join("; ")}`,
    remedy: `${signs[0].remedy}. The state is saved: without --stop-on-collapse the same command goes on`,
    reason: "collapsed",
  });
}
