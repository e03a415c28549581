import type { Interval } from "../../bootstrap.js";
import { chanceMeanAP } from "../../classification/chance.js";
import type { ClassificationResult } from "../../classification/classification.js";
import type { FewShotResult } from "../../classification/few-shot.js";
import type { KindScores } from "../../classification/kind-scores.js";
import type { TaggingResult } from "../../classification/tagging.js";
import type { Evaluated } from "../../head.js";
import type { InpaintingResult } from "../../inpainting/inpainting.js";
import type { LocalizationResult } from "../../localization/localization.js";
import type { RetrievalResult } from "../../retrieval/retrieval.js";
import type { SounderScores, VggSounderResult } from "../../vggsounder/vggsounder.js";
import { type NumberKind, numberText } from "../number-text.js";

/** One figure of a result, with its interval and what it stands beside. */
export type Figure = {
  readonly name: string;
  readonly kind: NumberKind;
  readonly value: number | null;
  readonly interval?: Interval;
  readonly baseline?: { readonly name: string; readonly value: number | null };
};

/** A table of text, such as one line for every class. */
export type ResultTable = {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
};

/** Everything there is to say about one result, ready to be printed anywhere. */
export type ResultSection = Evaluated & {
  readonly figures: readonly Figure[];
  readonly tables: readonly ResultTable[];
  readonly confusion?: { readonly kinds: readonly string[]; readonly counts: readonly (readonly number[])[] };
  readonly warnings: readonly string[];
};

const measured = ({ protocol, evaluated, leftOut }: Evaluated): Evaluated => ({ protocol, evaluated, leftOut });

/** The ranking figures that classification and tagging share. */
const ranking = (result: Pick<TaggingResult, "mAP" | "auc" | "dPrime" | "intervals" | "kinds" | "evaluated">) =>
  [
    {
      ...{ name: "mAP", kind: "share", value: result.mAP, interval: result.intervals.mAP },
      baseline: { name: "chance", value: chanceMeanAP(result.kinds, result.evaluated) },
    },
    {
      name: "AUC",
      kind: "share",
      value: result.auc,
      interval: result.intervals.auc,
      baseline: { name: "chance", value: 0.5 },
    },
    {
      name: "d-prime",
      kind: "error",
      value: result.dPrime,
      interval: result.intervals.dPrime,
      baseline: { name: "chance", value: 0 },
    },
  ] satisfies Figure[];

/** Classes that could not be ranked say why in place of their figures. */
const classRow = (row: KindScores, excluded: Readonly<Record<string, string>>): readonly string[] => [
  row.kind,
  String(row.positives),
  row.averagePrecision === null ? (excluded[row.kind] ?? "–") : numberText(row.averagePrecision, "share"),
  numberText(row.auc, "share"),
];

/** One label per clip. */
export function classificationSection(result: ClassificationResult): ResultSection {
  const { intervals, majority, calibration } = result;
  return {
    ...measured(result),
    figures: [
      {
        ...{ name: "accuracy", kind: "share", value: result.accuracy, interval: intervals.accuracy },
        baseline: { name: `always ${majority.kind}`, value: majority.accuracy },
      },
      ...ranking(result),
      {
        ...{ name: "calibration error", kind: "share", value: calibration.error, interval: intervals.calibration },
        baseline: { name: "calibrated model", value: calibration.whenCalibrated },
      },
    ],
    tables: [
      {
        title: "Every class",
        head: ["class", "clips", "AP", "AUC", "recall", "precision"],
        rows: result.kinds.map((row) => [
          ...classRow(row, result.excluded),
          numberText(row.recall, "share"),
          numberText(row.precision, "share"),
        ]),
      },
    ],
    confusion: { kinds: result.kinds.map(({ kind }) => kind), counts: result.confusion },
    warnings: result.warnings,
  };
}

/** Any number of labels per clip. */
export const taggingSection = (result: TaggingResult): ResultSection => ({
  ...measured(result),
  figures: ranking(result),
  tables: [
    {
      title: "Every class",
      head: ["class", "clips", "AP", "AUC"],
      rows: result.kinds.map((row) => classRow(row, result.excluded)),
    },
  ],
  warnings: result.warnings,
});

/** Both directions. */
export function retrievalSection(result: RetrievalResult): ResultSection {
  const names = { r1: "R@1", r5: "R@5", r10: "R@10", medianRank: "median rank" } as const;
  const directions = { audioToVisual: "sound → picture", visualToAudio: "picture → sound" } as const;
  return {
    ...measured(result),
    figures: Object.entries(directions).flatMap(([direction, arrow]) =>
      Object.entries(names).map(([figure, name]): Figure => {
        const key = figure as keyof typeof names;
        const scores = result[direction as keyof typeof directions];
        return {
          ...{ name: `${arrow}, ${name}`, kind: key === "medianRank" ? "rank" : "share" },
          ...{ value: scores[key], interval: scores.intervals[key] },
          baseline: { name: `chance, 1 of ${result.gallery}`, value: result.chance[key] },
        };
      }),
    ),
    tables: [],
    warnings: result.warnings,
  };
}

/** Errors on hidden patches beside mean fill. */
export const inpaintingSection = (result: InpaintingResult): ResultSection => ({
  ...measured(result),
  figures: (["audio", "visual"] as const).flatMap((modality): Figure[] => {
    const one = result[modality];
    return [
      {
        ...{ name: `${modality}, squared error`, kind: "error", value: one.mse, interval: one.intervals.mse },
        baseline: { name: "mean fill", value: one.meanFill },
      },
      {
        ...{ name: `${modality}, PSNR`, kind: "decibel", value: one.psnr, interval: one.intervals.psnr },
        baseline: { name: "mean fill", value: one.meanFillPsnr },
      },
    ];
  }),
  tables: [
    {
      title: "What was hidden",
      head: ["modality", "hidden", "peak", "unit of PSNR"],
      rows: (["audio", "visual"] as const).map((modality) => [
        modality,
        numberText(result.ratio[modality], "share"),
        numberText(result[modality].peak, "error"),
        result[modality].unit,
      ]),
    },
  ],
  warnings: [],
});

/** Where the sound is seen, and whether it is. */
export function localizationSection(result: LocalizationResult): ResultSection {
  const { detection, intervals, centreBox, centreHalfArea, oracle } = result;
  const names = { ciou50: "cIoU@0.5", auc: "AUC", ciou: "mean cIoU" } as const;
  const keys = Object.keys(names) as (keyof typeof names)[];
  return {
    ...measured(result),
    figures: [
      ...keys.map(
        (key): Figure => ({
          ...{ name: names[key], kind: "share", value: result[key], interval: intervals[key] },
          baseline: { name: "centre box", value: centreBox[key] },
        }),
      ),
      {
        ...{ name: "pixel AP", kind: "share", value: result.pixelAP, interval: result.pixelAPInterval },
        baseline: { name: "random maps", value: result.random.pixelAP },
      },
      ...(detection === null
        ? []
        : (["presence", "located"] as const).flatMap((task): Figure[] =>
            (["averagePrecision", "maxF1"] as const).map((figure) => ({
              ...{ name: `${task}, ${figure === "maxF1" ? "best F1" : "AP"}`, kind: "share" },
              ...{ value: detection[task][figure], interval: detection[task].intervals[figure] },
              baseline: { name: "chance", value: detection.chance[task][figure] },
            })),
          )),
    ],
    tables: [
      {
        title: "Beside it",
        head: ["", ...keys.map((key) => names[key])],
        rows: [
          ["centre box, half of the side", centreBox] as const,
          ["centre box, half of the area", centreHalfArea] as const,
          ["best on this grid", oracle] as const,
          ["random maps", result.random] as const,
        ].map(([name, one]) => [name, ...keys.map((key) => numberText(one[key], "share"))]),
      },
    ],
    warnings: result.warnings,
  };
}

/** Few labels, one figure for each number of shots. */
export const fewShotSection = (result: FewShotResult): ResultSection => ({
  ...measured(result),
  figures: result.shots.map(({ shots, accuracy, interval }) => ({
    ...{ name: `accuracy, ${shots} ${shots === 1 ? "shot" : "shots"}`, kind: "share", value: accuracy, interval },
    baseline: { name: `guess, 1 of ${result.kinds}`, value: result.chance },
  })),
  tables: [],
  warnings: result.warnings,
});

/** VGGSounder: what a model says with sound, with pictures, with both, and where both confuse it. */
export function vggSounderSection(result: VggSounderResult): ResultSection {
  const asked = { audio: "sound alone", visual: "pictures alone", both: "both" } as const;
  const two = (name: string, one: SounderScores): Figure[] => [
    { name: `${name}, F1`, kind: "share", value: one.f1, interval: one.intervals.f1 },
    { name: `${name}, hit rate`, kind: "share", value: one.hitRate, interval: one.intervals.hitRate },
  ];
  const confusion = { any: "either", audio: "sound", visual: "pictures" } as const;
  return {
    ...measured(result),
    figures: [
      ...(["audio", "visual", "both"] as const).flatMap((given) => two(asked[given], result.given[given])),
      ...(["heard only", "seen only"] as const).flatMap((labels) => {
        const one = result.alone[labels];
        return one === null ? [] : two(`both, labels ${labels}`, one);
      }),
      ...(["any", "audio", "visual"] as const).map((one): Figure => {
        const { share, interval } = result.confusion[one];
        return {
          name: `confusion: right with ${confusion[one]}, wrong with both`,
          kind: "share",
          value: share,
          interval,
        };
      }),
    ],
    tables: [
      {
        title: "Clips that have such labels",
        head: ["given", "labels", "clips"],
        rows: [
          ...Object.entries(result.given).map(([given, one]) => [given, one.labels, String(one.clips)]),
          ...Object.values(result.alone).flatMap((one) =>
            one === null ? [] : [["both", one.labels, String(one.clips)]],
          ),
        ],
      },
    ],
    warnings: result.warnings,
  };
}
