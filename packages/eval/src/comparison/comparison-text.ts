import { inRecordings, type NumberKind, numberText } from "../report/number-text.js";
import type { ComparedFigure, ComparedTable, Comparison, FigureToCompare, ShownDifference } from "./compare.js";

/** A mean with its interval, `10.9 ± 2.1 %`. */
export function meanText({ mean, half }: Pick<ComparedFigure, "mean" | "half">, kind: NumberKind): string {
  if (half === null) return numberText(mean, kind);
  const bare = (value: number) => numberText(value, kind).replace(/ (%|dB)$/, "");
  return `${bare(mean)} ± ${numberText(half, kind)}`;
}

/** A signed difference; shares in percentage points. */
export function differenceText(value: number, kind: NumberKind): string {
  const size = numberText(Math.abs(value), kind).replace(/ %$/, "");
  return `${value < 0 ? "−" : "+"}${size}${kind === "share" ? " pp" : ""}`;
}

/** A p-value as text. */
export const pText = (p: number): string => (p < 0.001 ? "< 0.001" : p.toFixed(p < 0.1 ? 3 : 2));

/** A difference with its interval over seeds. */
export const differenceWithInterval = ({ overSeeds }: ShownDifference, kind: NumberKind): string => {
  const { mean, half } = overSeeds;
  if (half === null) return differenceText(mean, kind);
  return `${differenceText(mean, kind).replace(/ pp$/, "")} ± ${differenceText(half, kind).slice(1)}`;
};

/** The arrow that says which way is better. */
export const arrow = ({ better }: FigureToCompare): string => (better === "higher" ? "↑" : "↓");

/** What a run took, as text. */
export const costTexts = {
  pretrainSeconds: (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} s`,
  evaluateSeconds: (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} s`,
  steps: (value: number) => Math.round(value).toLocaleString("en"),
  clipViews: (value: number) => Math.round(value).toLocaleString("en"),
  flop: (value: number) => `${(value / 1e12).toPrecision(3)} TFLOP`,
} as const;

/** What the costs are called. */
export const costNames: Readonly<Record<keyof typeof costTexts, string>> = {
  pretrainSeconds: "training steps, time",
  evaluateSeconds: "evaluation, time",
  steps: "steps",
  clipViews: "clip-views",
  flop: "estimated FLOP",
};

/** True where the difference survives Holm's adjustment at 5 %. */
export const survives = ({ adjustedP }: ShownDifference): boolean => adjustedP < 0.05;

/** How a table is to be read: what is paired, what an interval covers, how many tests there are. */
export function readingNotes({ seeds, tables, missing, notes = [] }: Comparison): readonly string[] {
  const differences = tables.flatMap(({ rows }) =>
    rows.flatMap(({ figures }) => Object.values(figures).flatMap(({ difference }) => difference ?? [])),
  );
  const clips = differences.filter(({ unit }) => unit === "clips");
  const parts = clips.filter(({ recordings }) => recordings !== undefined);
  const fewestParts = Math.min(...parts.map(({ recordings = 0 }) => recordings));
  // Every flip of their signs is tried: two of them are as far apart as can be.
  const floor = 2 / 2 ** fewestParts;
  const fewest = Math.min(...differences.map(({ overSeeds }) => overSeeds.smallestP));
  return [
    ...(missing === 0
      ? []
      : [`${missing} ${missing === 1 ? "run is" : "runs are"} not finished: the table is of those that are.`]),
    `± is the half-width of a 95 % Student's t interval over seeds (${seeds.length} asked for); a single seed has none, nor have seeds that all gave the same figure.`,
    ...(clips.length === 0
      ? []
      : [
          "p is a two-sided paired sign-flip permutation test. The unit of pairing is the test clip, its score averaged over the seeds that both arms have: it speaks of other clips for these trained models, not of other seeds.",
        ]),
    ...(parts.length === 0
      ? []
      : [
          "Clips that are parts of one recording change their sign together, and intervals draw whole recordings: p speaks of other recordings.",
          ...(floor < 0.001
            ? []
            : [
                `With ${inRecordings(fewestParts)} it cannot go below ${pText(Math.min(1, floor))}, however many clips they have, whatever they show.`,
              ]),
        ]),
    ...(clips.length === differences.length
      ? []
      : ["Where there are no scores by clip, the unit of pairing is the seed."]),
    ...(differences.length === 0
      ? []
      : [
          `In brackets the same test with seeds as pairs: with so few seeds it cannot go below ${fewest}, whatever they show.`,
          "p is not adjusted for the number of differences in a table; † marks what stays below 0.05 after Holm's adjustment over its table.",
        ]),
    ...notes,
  ];
}

/** How many differences a table tests. */
export const familyText = ({ family, reference }: ComparedTable): string =>
  `Difference to ${reference}, paired; ${family} differences in this table`;

/** What was left out, in words. */
export const leftOutText = (leftOut: Readonly<Record<string, number>>): string => {
  const parts = Object.entries(leftOut).map(([reason, count]) => `${count} × ${reason}`);
  return parts.length === 0 ? "none" : parts.join(", ");
};
