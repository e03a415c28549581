import type { Interval } from "../bootstrap.js";
import type { NumberKind } from "./number-text.js";
import type { ReportInput } from "./report-input.js";

/** One figure with its baseline: a line of the first table anyone sees. */
export type HeadlineRow = {
  readonly task: string;
  readonly figure: string;
  readonly kind: NumberKind;
  readonly value: number;
  readonly interval?: Interval;
  readonly baseline: { readonly name: string; readonly value: number };
  readonly better: "higher" | "lower";
};

/** True where the figure is on the better side of its baseline. */
export const beatsBaseline = ({ value, baseline, better }: HeadlineRow): boolean =>
  better === "higher" ? value > baseline.value : value < baseline.value;

function retrievalRows({ retrieval }: ReportInput): readonly HeadlineRow[] {
  if (retrieval === undefined) return [];
  const directions = [
    ["audioToVisual", "sound → picture"],
    ["visualToAudio", "picture → sound"],
  ] as const;
  return directions.flatMap(([direction, arrow]) => {
    const { r1, medianRank, intervals } = retrieval[direction];
    const base = { task: `Retrieval, ${arrow}` };
    return [
      {
        ...base,
        figure: "R@1",
        kind: "share",
        value: r1,
        interval: intervals.r1,
        baseline: { name: `chance, 1 of ${retrieval.gallery}`, value: retrieval.chance.r1 },
        better: "higher",
      },
      {
        ...base,
        figure: "median rank",
        kind: "rank",
        value: medianRank,
        interval: intervals.medianRank,
        baseline: { name: "chance", value: retrieval.chance.medianRank },
        better: "lower",
      },
    ] satisfies HeadlineRow[];
  });
}

function classificationRows({ classification }: ReportInput): readonly HeadlineRow[] {
  if (classification === undefined) return [];
  return (["joint", "audio", "visual"] as const).map((mode) => {
    const { accuracy, intervals, majority } = classification[mode];
    return {
      task: `Classification, ${mode}`,
      figure: "accuracy",
      kind: "share",
      value: accuracy,
      interval: intervals.accuracy,
      baseline: { name: `always “${majority.kind}”`, value: majority.accuracy },
      better: "higher",
    };
  });
}

function inpaintingRows({ inpainting }: ReportInput): readonly HeadlineRow[] {
  const first = inpainting?.[0];
  if (first === undefined) return [];
  return (["audio", "visual"] as const).map((modality) => ({
    task: `Inpainting, ${modality}`,
    figure: "squared error",
    kind: "error",
    value: first[modality].mse,
    interval: first[modality].intervals.mse,
    baseline: { name: "mean fill", value: first[modality].meanFill },
    better: "lower",
  }));
}

function localizationRows({ localization }: ReportInput): readonly HeadlineRow[] {
  if (localization === undefined) return [];
  const figures = [
    ["ciou50", "cIoU@0.5"],
    ["auc", "AUC"],
  ] as const;
  return figures.map(([name, figure]) => ({
    task: "Localization",
    figure,
    kind: "share",
    value: localization[name],
    interval: localization.intervals[name],
    baseline: { name: "centre box", value: localization.centreBox[name] },
    better: "higher",
  }));
}

/** The figures of all tasks beside chance or the trivial answer. */
export function headline(input: ReportInput): readonly HeadlineRow[] {
  return [retrievalRows, classificationRows, inpaintingRows, localizationRows].flatMap((rows) => rows(input));
}
