import {
  classificationFigures,
  type Figure,
  inpaintingFigures,
  localizationFigures,
  type Over,
  overOf,
  retrievalFigures,
  shortName,
} from "../figures.js";
import type { Evaluated } from "../head.js";
import type { ReportInput } from "./report-input.js";

/** One figure with its baseline: a line of the first table anyone sees. */
export type HeadlineRow = Omit<Figure, "value" | "baseline" | "over"> & {
  readonly task: string;
  readonly value: number;
  /** Its name without what it is of, which the task says. */
  readonly figure: string;
  readonly baseline: { readonly name: string; readonly value: number };
  readonly over: Over;
};

/** How a figure stands to its baseline, as far as can be told of other clips. */
export type Verdict = "better" | "not better" | "within the interval" | "no interval";

/**
 * Better or not where the interval lies beside the baseline: a figure above chance whose interval holds chance is none that
 * other clips need show.
 */
export function verdictOf({ value, interval, baseline, better }: HeadlineRow): Verdict {
  if (interval === undefined) return "no interval";
  if (interval.low <= baseline.value && baseline.value <= interval.high) return "within the interval";
  return (better === "higher") === value > baseline.value ? "better" : "not better";
}

/** The rows of some figures of so many clips, those with these keys. */
const rowsOf = (
  task: string,
  result: Pick<Evaluated, "evaluated" | "recordings">,
  figures: readonly Figure[],
  keys: RegExp,
): readonly HeadlineRow[] =>
  figures.flatMap(({ value, baseline, ...figure }) => {
    const beside = baseline?.value;
    if (!keys.test(figure.key) || value === null || baseline === undefined || typeof beside !== "number") return [];
    const under = figure.of === undefined ? task : `${task}, ${figure.of}`;
    return [
      {
        ...figure,
        value,
        over: overOf(figure, result),
        task: under,
        figure: shortName(figure),
        baseline: { ...baseline, value: beside },
      },
    ];
  });

/** The figures of all tasks beside chance or the trivial answer. */
export function headline({ retrieval, classification, inpainting, localization }: ReportInput): readonly HeadlineRow[] {
  const [mask] = inpainting ?? [];
  return [
    ...(retrieval === undefined
      ? []
      : rowsOf("Retrieval", retrieval, retrievalFigures(retrieval), /\.(r1|medianRank)$/)),
    ...(["joint", "audio", "visual"] as const).flatMap((mode) =>
      classification === undefined
        ? []
        : rowsOf(
            `Classification, ${mode}`,
            classification[mode],
            classificationFigures(classification[mode]),
            /^accuracy$/,
          ),
    ),
    ...(mask === undefined ? [] : rowsOf("Inpainting", mask, inpaintingFigures(mask), /\.mse$/)),
    ...(localization === undefined
      ? []
      : rowsOf("Localization", localization, localizationFigures(localization), /^(ciou50|auc)$/)),
  ];
}
