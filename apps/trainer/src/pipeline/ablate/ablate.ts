import { existsSync } from "node:fs";
import { join } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { withLock } from "@kdc-mae/core/node";
import type { Execute } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import type { Comparison } from "@kdc-mae/eval";
import { fittedSplit, recordingsOfBoth } from "../corpus/choose-clips.js";
import { clipFormFor } from "../corpus/clip-form.js";
import { type CorpusOptions, mediaFor, openCorpus } from "../corpus/open-corpus.js";
import { DEFAULT_ENGINE } from "../evaluate/open-subject.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { MODEL_FILE } from "../pretrain/run-pretraining.js";
import { configFor } from "../run/model-file.js";
import { pairingOf } from "../run/pairing.js";
import { teacherIn } from "../small/fixed-teacher.js";
import { type Surroundings, surroundingsOf } from "../surroundings.js";
import { updatesOf } from "../train/epochs.js";
import type { Arms } from "./arms.js";
import { flopOfRun } from "./budget.js";
import { readOutcome } from "./outcome.js";
import { type AblationPlan, type PlannedRun, planRuns } from "./plan.js";
import { type AblatedClips, runOne, type Scored } from "./run-one.js";
import type { CheckedAblation } from "./schema.js";
import { compareRuns, type FinishedRun, writeTables } from "./tables.js";

/** What {@link ablate} runs, and where its runs and tables go. */
export type AblationOptions = Surroundings & {
  /** As {@link loadAblation} gives it. */
  readonly ablation: CheckedAblation;
  /** As {@link workOutArms} makes them of it and of its base. */
  readonly arms: Arms;
  /** Of every arm. The command takes the base's seed and those after it. */
  readonly seeds: readonly number[];
  /** Where runs and tables go. */
  readonly out: string;
  /** Where made clips are. */
  readonly media?: string;
  /** What computes, and its name in the tables; ONNX Runtime on the processor unless given. */
  readonly execute?: Execute;
  readonly engine?: string;
  /** What else the head of the tables is to say, line by line: a name and a value. */
  readonly settings?: readonly (readonly [string, string])[];
  /** The clips that figures are of; test unless given. Validation while choices are made: test clips are for the end. */
  readonly scored?: Scored;
};

/** Where an ablation's runs are: those scored on validation clips are in no table of the test clips. */
export const runsFolder = (out: string, scored: Scored): string =>
  join(out, scored === "test" ? "runs" : `runs-on-${scored}`);

/** Where its tables are: those of validation clips and those of the test clips do not write over each other. */
export const tablesFolder = (out: string, scored: Scored): string =>
  scored === "test" ? out : join(out, `on-${scored}`);

const formOf = (experiment: CheckedExperiment) => clipFormFor(configFor(experiment), pairingOf(experiment));

/** Runs that take the same of a clip see the same decoded clips, however they cut it. */
const alike = (run: PlannedRun): string => {
  const { grids: _, ...form } = formOf(run.experiment);
  return JSON.stringify({ ...form, audio: { ...form.audio, window: undefined } });
};

/** Runs by the form of their clips, so that each set of decoded clips is made once and only one is held. */
function* byForm(runs: readonly PlannedRun[]): Generator<readonly PlannedRun[]> {
  for (const key of new Set(runs.map(alike))) yield runs.filter((run) => alike(run) === key);
}

const minutes = (seconds: number): string =>
  seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;

/** Seconds that runs will take, judged by those that are finished; undefined before the first one is. */
function secondsFor(runs: readonly PlannedRun[], finished: readonly FinishedRun[]): number | undefined {
  if (finished.length === 0) return undefined;
  const sum = (of: (one: FinishedRun) => number) => finished.reduce((total, one) => total + of(one), 0);
  const rate = sum(({ outcome }) => outcome.run.cost.pretrainSeconds) / sum(({ run }) => flopOfRun(run.experiment));
  const evaluation = sum(({ outcome }) => outcome.run.cost.evaluateSeconds) / finished.length;
  return runs.reduce((total, { experiment }) => total + rate * flopOfRun(experiment) + evaluation, 0);
}

const nameOf = ({ arms, seed }: PlannedRun): string => `${arms.join(" = ")}, seed ${seed}`;

function sayPlan({ runs, strays }: AblationPlan, say: (line: string) => void): void {
  const count = (state: PlannedRun["state"]) => runs.filter((run) => run.state === state).length;
  say(
    `${runs.length} ${runs.length === 1 ? "run" : "runs"}: ${count("finished")} finished, ${count("begun")} begun, ${count("new")} to begin`,
  );
  if (strays.length === 0) return;
  const one = strays.length === 1;
  const stray = one ? "run in the folder no longer fits" : "runs in the folder no longer fit";
  say(
    `${strays.length} ${stray} the ablation; ${one ? "it stays there and is" : "they stay there and are"} in no table:`,
  );
  for (const { folder, why } of strays) say(`  ${folder}: ${why}`);
}

/**
 * Runs what is not finished, and writes the tables after every run.
 *
 * @returns the comparison, and whether all runs are in it (false when asked to stop)
 * @throws KdcError (`locked`) where another process works in that folder; for data and teachers that do not fit
 * @example
 * const arms = [{ name: "whole" }, { name: "one-view", change: { masking: { views: 1 } }, keepTerms: ["reconstruction-*"] }];
 * const { ablation, base } = await loadAblation({ name: "views", base: "demo", arms });
 * const { comparison } = await ablate({ ablation, arms: workOutArms(ablation, base), seeds: [0, 1, 2], out: "runs/views" });
 */
export const ablate = (options: AblationOptions): Promise<{ comparison: Comparison; finished: boolean }> =>
  withLock(options.out, () => {
    const { execute = compiled(), engine = DEFAULT_ENGINE, settings = [] } = options;
    return ablateAlone({ ...options, execute, engine, settings });
  });

type Filled = AblationOptions & Required<Pick<AblationOptions, "execute" | "engine" | "settings">>;

async function ablateAlone(options: Filled): Promise<{ comparison: Comparison; finished: boolean }> {
  const { ablation, arms, seeds, out, scored = "test", signal } = options;
  const say = (line: string) => options.onNote?.(`ablate: ${line}`);
  const media = mediaFor(options.media, arms.base.data);
  const tables = tablesFolder(out, scored);
  const plan = await planRuns(arms.arms, seeds, runsFolder(out, scored));
  sayPlan(plan, say);
  const finished: FinishedRun[] = [];
  for (const run of plan.runs.filter(({ state }) => state === "finished")) {
    finished.push({ run, outcome: await readOutcome(run.folder) });
  }
  const compare = () => compareRuns(ablation, arms, seeds, inOrder(plan, finished), options);
  const left = plan.runs.filter(({ state }) => state !== "finished");
  await expectTeachers(left, surroundingsOf(options));
  for (const group of byForm(left)) {
    const expectItems: CorpusOptions["expectItems"] = (_, { train = 0 }) => {
      for (const { experiment } of group) updatesOf(train, experiment.training);
    };
    const corpus = await openClips(group[0], { ...options, media, scored, expectItems });
    for (const run of group) {
      const waiting = plan.runs.filter((one) => !finished.some((done) => done.run === one));
      const seconds = secondsFor(waiting, finished);
      const time = seconds === undefined ? "" : `, about ${minutes(seconds)} left`;
      say(`run ${finished.length + 1} of ${plan.runs.length}: ${nameOf(run)}${time}`);
      const outcome = await runOne(run, { ...options, base: arms.base, corpus, scored });
      if (outcome === undefined) return { comparison: compare(), finished: false };
      finished.push({ run, outcome });
      await writeTables(tables, compare());
      if (signal?.aborted && finished.length < plan.runs.length) return { comparison: compare(), finished: false };
    }
  }
  const comparison = compare();
  await writeTables(tables, comparison);
  return { comparison, finished: true };
}

/** A teacher that cannot be used says so before clips are decoded and other arms trained; seeds of an arm share theirs. */
async function expectTeachers(runs: readonly PlannedRun[], around: Surroundings): Promise<void> {
  const untrained = runs.filter(({ folder }) => !existsSync(join(folder, MODEL_FILE)));
  const taught = new Map(
    untrained.map(({ experiment }) => [JSON.stringify([experiment.fixedTeacher, configFor(experiment)]), experiment]),
  );
  for (const experiment of taught.values()) await teacherIn(experiment, configFor(experiment), around);
}

/** Finished runs in the order of the plan, whenever they were finished. */
const inOrder = ({ runs }: AblationPlan, finished: readonly FinishedRun[]): readonly FinishedRun[] =>
  runs.flatMap((run) => finished.filter((done) => done.run === run));

/** The clips of the base, made with the base's seed, for the front end of a run. */
export const openClips = async (
  { experiment }: Pick<PlannedRun, "experiment">,
  {
    arms: { base },
    media,
    scored = "test",
    expectItems,
    ...rest
  }: Surroundings &
    Pick<CorpusOptions, "expectItems"> & {
      readonly media: string;
      readonly arms: Pick<Arms, "base">;
      readonly scored?: Scored;
    },
): Promise<AblatedClips> => {
  if (fittedSplit(base.data) !== "train") {
    throw new KdcError({
      where: "ablation, data.split",
      what: "every run trains on the train split and is scored on another",
      remedy: "Leave data.split out, or name the clips' splits otherwise",
      reason: "option",
    });
  }
  const corpus = await openCorpus({ ...experiment, data: base.data, seed: base.seed }, formOf(experiment), {
    media,
    ...{ needs: ["train", scored], expectItems },
    uses: { train: "fitted", validation: "looked at", test: "looked at", [scored]: "scored" },
    ...surroundingsOf(rest),
  });
  const near = recordingsOfBoth(corpus.placing, "train", scored);
  if (near !== undefined) rest.onNote?.(near);
  return { ...corpus, near };
};
