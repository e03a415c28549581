import { KdcError } from "@kdc-mae/core";
import type { Protocol } from "../protocol.js";
import type { NumberKind } from "../report/number-text.js";
import { holm, type PairedDifference, pairedDifference, type SeedValue } from "./paired-difference.js";
import { type MeanInterval, tInterval } from "./t-interval.js";

/** A figure that arms are compared by. */
export type FigureToCompare = {
  readonly key: string;
  readonly name: string;
  readonly kind: NumberKind;
  readonly better: "higher" | "lower";
  readonly protocol: Protocol;
  /** Clips the figure is made of. */
  readonly evaluated: number;
  readonly leftOut: Readonly<Record<string, number>>;
  /** What it is measured against, in words. */
  readonly baseline: string;
};

/** What one run took. */
export type RunCost = {
  readonly pretrainSeconds: number;
  readonly evaluateSeconds: number;
  readonly steps: number;
  /** Clips shown, times views of each. */
  readonly clipViews: number;
  /** Floating-point operations of the matrix products of pretraining, estimated from the sizes. */
  readonly flop: number;
};

/** One finished run: a figure's value, its score by clip where there is one, and its baseline. */
export type ArmRun = {
  readonly seed: number;
  readonly figures: Readonly<
    Record<
      string,
      { readonly value: number; readonly baseline: number; readonly clips?: Readonly<Record<string, number>> }
    >
  >;
  /** The recording of each clip that is a part of one, by the clip's id: clips of one are drawn as one. */
  readonly recordings?: Readonly<Record<string, string>>;
  readonly cost: RunCost;
};

/** Runs that differ in their seed alone. */
export type ArmToCompare = {
  readonly name: string;
  /** What it changes, in words. */
  readonly about: string;
  readonly runs: readonly ArmRun[];
};

/** Arms to be put side by side; the first one is what the others are compared with. */
export type TableRequest = { readonly title: string; readonly arms: readonly string[] };

/** Arms of an ablation with their runs, and which figures are compared. */
export type ComparisonInput = {
  readonly title: string;
  readonly summary?: string;
  /** What was set, line by line: command, engine, data … */
  readonly settings: readonly (readonly [name: string, value: string])[];
  /** Seeds that were asked for; runs that are missing are counted. */
  readonly seeds: readonly number[];
  readonly figures: readonly FigureToCompare[];
  readonly arms: readonly ArmToCompare[];
  readonly tables: readonly TableRequest[];
  /** Anything a reader must know besides. */
  readonly notes?: readonly string[];
};

/** A difference to the first arm with the p-value that is shown for it. */
export type ShownDifference = PairedDifference & {
  readonly p: number;
  readonly unit: "clips" | "seeds";
  readonly pairs: number;
  /** Recordings that the clips are parts of, where those are fewer. */
  readonly recordings?: number;
  /** p after Holm's adjustment over all differences of its table. */
  readonly adjustedP: number;
};

export type ComparedFigure = MeanInterval & {
  readonly bySeed: readonly { readonly seed: number; readonly value: number }[];
  readonly difference?: ShownDifference;
};

export type ComparedArm = {
  readonly arm: string;
  readonly about: string;
  readonly runs: number;
  readonly figures: Readonly<Record<string, ComparedFigure>>;
  /** Means over the runs; absent where none is finished. */
  readonly cost?: RunCost;
};

export type ComparedTable = {
  readonly title: string;
  readonly reference: string;
  readonly rows: readonly ComparedArm[];
  /** The trivial answer's figure, mean over the table's runs. */
  readonly baselines: Readonly<Record<string, number>>;
  /** Differences in the table, which Holm's adjustment is over. */
  readonly family: number;
};

/** Arms compared with their references, table by table: what the tables of a report are made of. */
export type Comparison = Omit<ComparisonInput, "arms" | "tables"> & {
  readonly tables: readonly ComparedTable[];
  /** Runs that are not finished. */
  readonly missing: number;
};

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

const costKeys = ["pretrainSeconds", "evaluateSeconds", "steps", "clipViews", "flop"] as const;

function meanCost(runs: readonly ArmRun[]): RunCost | undefined {
  if (runs.length === 0) return undefined;
  return Object.fromEntries(costKeys.map((key) => [key, mean(runs.map(({ cost }) => cost[key]))])) as RunCost;
}

const seedValues = ({ runs }: ArmToCompare, key: string): readonly SeedValue[] =>
  runs.flatMap(({ seed, figures: { [key]: figure } }) => (figure === undefined ? [] : [{ seed, ...figure }]));

function compareFigure(arm: ArmToCompare, reference: ArmToCompare, key: string): ComparedFigure | undefined {
  const values = seedValues(arm, key);
  if (values.length === 0) return undefined;
  const recordings = Object.assign({}, ...[...reference.runs, ...arm.runs].map((run) => run.recordings));
  const found = arm === reference ? undefined : pairedDifference(values, seedValues(reference, key), recordings);
  const shown = found?.overClips ?? found?.overSeeds;
  const parts = found?.overClips?.recordings;
  return {
    ...tInterval(values.map(({ value }) => value)),
    bySeed: values.map(({ seed, value }) => ({ seed, value })),
    ...(found === undefined || shown === undefined
      ? {}
      : {
          difference: {
            ...found,
            p: shown.p,
            pairs: shown.n,
            ...(parts === undefined ? {} : { recordings: parts }),
            unit: found.overClips === null ? "seeds" : "clips",
            adjustedP: shown.p,
          },
        }),
  };
}

function compareTable({ title, arms: names }: TableRequest, input: ComparisonInput): ComparedTable {
  const arms = names.map((name) => findArm(input.arms, name));
  const [reference] = arms;
  const rows = arms.map((arm) => ({
    arm: arm.name,
    about: arm.about,
    runs: arm.runs.length,
    cost: meanCost(arm.runs),
    figures: Object.fromEntries(
      input.figures.flatMap(({ key }) => {
        const figure = compareFigure(arm, reference, key);
        return figure === undefined ? [] : [[key, figure] as const];
      }),
    ),
  }));
  const family = rows.flatMap(({ figures }) => Object.values(figures).flatMap(({ difference }) => difference ?? []));
  const adjusted = new Map(holm(family.map(({ p }) => p)).map((p, index) => [family[index], p]));
  const withAdjusted = (figure: ComparedFigure): ComparedFigure =>
    figure.difference === undefined
      ? figure
      : {
          ...figure,
          difference: { ...figure.difference, adjustedP: adjusted.get(figure.difference) ?? figure.difference.p },
        };
  return {
    title,
    reference: reference.name,
    rows: rows.map((row) => ({
      ...row,
      figures: Object.fromEntries(Object.entries(row.figures).map(([key, figure]) => [key, withAdjusted(figure)])),
    })),
    baselines: Object.fromEntries(
      input.figures.flatMap(({ key }) => {
        const values = arms.flatMap(({ runs }) => runs.flatMap(({ figures }) => figures[key]?.baseline ?? []));
        return values.length === 0 ? [] : [[key, mean(values)] as const];
      }),
    ),
    family: family.length,
  };
}

function findArm(arms: readonly ArmToCompare[], name: string): ArmToCompare {
  const found = arms.find((arm) => arm.name === name);
  if (found !== undefined) return found;
  throw new KdcError({
    where: "compareArms",
    what: `a table names the arm ${JSON.stringify(name)}, which is not there`,
    remedy: `Use one of ${arms.map((arm) => arm.name).join(", ")}`,
    reason: "unknown-arm",
  });
}

/**
 * Arms side by side: per figure the mean over seeds with its t interval, and the paired difference to the table's first
 * arm with a p-value by sign-flip permutation, over clips where scores by clip exist, else over seeds.
 *
 * @throws KdcError (`unknown-arm`) for a table that names an arm that is not there
 */
export function compareArms(input: ComparisonInput): Comparison {
  const { arms, tables, ...rest } = input;
  return {
    ...rest,
    tables: tables.map((table) => compareTable(table, input)),
    missing: arms.reduce((sum, { runs }) => sum + input.seeds.length - runs.length, 0),
  };
}
