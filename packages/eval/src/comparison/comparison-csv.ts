import type { ComparedFigure, ComparedTable, Comparison, FigureToCompare } from "./compare.js";
import { costNames } from "./comparison-text.js";

const columns = [
  ...["table", "arm", "figure", "kind", "better", "protocol", "test_clips", "left_out", "runs"],
  ...["mean", "low", "high", "baseline"],
  ...["reference", "difference", "difference_low", "difference_high", "p", "p_pairs_of", "p_pairs", "p_holm"],
  ...["p_over_seeds", "clips_difference_low", "clips_difference_high", "p_recordings"],
] as const;

type Row = Partial<Record<(typeof columns)[number], string | number | undefined>>;

/** A field as RFC 4180 wants it; a text that a spreadsheet would compute begins with an apostrophe (OWASP). */
const field = (value: string | number | undefined): string => {
  const isFormula = typeof value === "string" && /^[=+\-@\t\r]/.test(value);
  const text = value === undefined ? "" : `${isFormula ? "'" : ""}${value}`;
  return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
};

/** Empty where it does not exist, as an end of an interval over clips of one recording. */
const known = (value: number | undefined) => (Number.isFinite(value) ? value : undefined);

const ends = (mean: number, half: number | null) => (half === null ? {} : { low: mean - half, high: mean + half });

function figureRow(table: ComparedTable, arm: string, spec: FigureToCompare, figure: ComparedFigure): Row {
  const { difference } = figure;
  const overSeeds = difference && ends(difference.overSeeds.mean, difference.overSeeds.half);
  return {
    ...{ table: table.title, arm, figure: spec.name, kind: spec.kind, better: spec.better },
    ...{ protocol: spec.protocol.name, test_clips: spec.evaluated, runs: figure.n, mean: figure.mean },
    left_out: Object.values(spec.leftOut).reduce((sum, count) => sum + count, 0),
    ...ends(figure.mean, figure.half),
    baseline: table.baselines[spec.key],
    reference: difference && table.reference,
    ...{ difference: difference?.overSeeds.mean, difference_low: overSeeds?.low, difference_high: overSeeds?.high },
    ...{ p: difference?.p, p_pairs_of: difference?.unit, p_pairs: difference?.pairs, p_holm: difference?.adjustedP },
    p_over_seeds: difference?.overSeeds.p,
    clips_difference_low: known(difference?.overClips?.interval.low),
    clips_difference_high: known(difference?.overClips?.interval.high),
    p_recordings: difference?.recordings,
  };
}

/** The comparison as CSV, one line per table, arm and figure; then one per cost. Shares from 0 to 1. */
export function comparisonCsv({ tables, figures }: Comparison): string {
  const rows = tables.flatMap((table) =>
    table.rows.flatMap(({ arm, runs, figures: values, cost }) => [
      ...figures.flatMap((spec) =>
        values[spec.key] === undefined ? [] : [figureRow(table, arm, spec, values[spec.key])],
      ),
      ...Object.entries(costNames).flatMap(([key, name]): Row[] =>
        cost === undefined
          ? []
          : [{ table: table.title, arm, figure: name, kind: "cost", runs, mean: cost[key as keyof typeof costNames] }],
      ),
    ]),
  );
  return `${[columns.join(","), ...rows.map((row: Row) => columns.map((name) => field(row[name])).join(","))].join("\n")}\n`;
}
