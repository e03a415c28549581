import type { Modality } from "@kdc-mae/core";
import type { Interval } from "./bootstrap.js";
import { chanceMeanAP } from "./classification/chance.js";
import type { ClassificationResult } from "./classification/classification.js";
import type { FewShotResult } from "./classification/few-shot.js";
import type { TaggingResult } from "./classification/tagging.js";
import type { Evaluated } from "./head.js";
import type { InpaintingResult } from "./inpainting/inpainting.js";
import { type LocalizationResult, pointedClips } from "./localization/localization.js";
import type { NumberKind } from "./report/number-text.js";
import type { RetrievalResult } from "./retrieval/retrieval.js";
import type { SounderScores, VggSounderResult } from "./vggsounder/vggsounder.js";

/** What an interval resamples, and how many of them; with the recordings that are drawn whole, where those are fewer. */
export type Over = {
  readonly unit: "clips" | "queries" | "episodes";
  readonly count: number;
  readonly recordings?: number;
};

/** One figure of a result: every table, card and comparison shows this. Its protocol and its clips are the result's. */
export type Figure = {
  /** Tells it from the others of its result, such as `audioToVisual.r1`. */
  readonly key: string;
  /** What of the result it is of, such as `sound → picture`; left out where it is of all. */
  readonly of?: string;
  /** In words, with what it is of. */
  readonly name: string;
  readonly kind: NumberKind;
  readonly better: "higher" | "lower";
  readonly value: number | null;
  /** Left out where resamples do not differ and nothing exact is known. */
  readonly interval?: Interval;
  /** What the interval resamples, and how many of them: all evaluated clips unless given. */
  readonly over?: Over;
  readonly baseline?: { readonly name: string; readonly value: number | null };
  /** Its score by clip, in the order of the evaluated clips, where it is a mean of such. */
  readonly clips?: ArrayLike<number>;
};

/** What a head made, and which it was. */
export type HeadResult =
  | { readonly head: "classification"; readonly result: ClassificationResult }
  | { readonly head: "tagging"; readonly result: TaggingResult }
  | { readonly head: "retrieval"; readonly result: RetrievalResult }
  | { readonly head: "inpainting"; readonly result: InpaintingResult }
  | { readonly head: "localization"; readonly result: LocalizationResult }
  | { readonly head: "few-shot"; readonly result: FewShotResult }
  | { readonly head: "vggsounder"; readonly result: VggSounderResult };

const recordingsIn = ({ recordings }: { readonly recordings?: number }) =>
  recordings === undefined ? {} : { recordings };

/** What the interval of a figure of a result is over. */
export const overOf = ({ over }: Pick<Figure, "over">, result: Pick<Evaluated, "evaluated" | "recordings">): Over =>
  over ?? { unit: "clips", count: result.evaluated, ...recordingsIn(result) };

const inFull = (of: string | undefined, name: string): string => (of === undefined ? name : `${of}, ${name}`);

/** The words of a figure without what it is of. */
export const shortName = ({ of, name }: Pick<Figure, "of" | "name">): string =>
  of === undefined ? name : name.slice(of.length + 2);

/**
 * An interval as it is said: none where it has no width, as where resamples do not differ (AUC of a perfect order, a single
 * clip) and nothing is known of other clips, and none of clips of one recording. A median rank is a whole number, and may be
 * sure.
 */
export const intervalSaid = (interval: Interval | undefined, kind: NumberKind): { readonly interval?: Interval } =>
  interval === undefined || Number.isNaN(interval.low) || (kind !== "rank" && interval.low === interval.high)
    ? {}
    : { interval };

type Facts = Omit<Figure, "key" | "name" | "kind" | "better"> & Partial<Pick<Figure, "better">>;

const figure = (
  key: string,
  name: string,
  kind: NumberKind,
  { of, better = "higher", interval, ...facts }: Facts,
): Figure => ({
  ...{ key, ...(of === undefined ? {} : { of }), name: inFull(of, name), kind, better },
  ...{ ...facts, ...intervalSaid(interval, kind) },
});

/** The ranking figures that classification and tagging share. */
const ranking = (result: Pick<TaggingResult, "mAP" | "auc" | "dPrime" | "intervals" | "kinds" | "evaluated">) => {
  const chance = (value: number | null) => ({ name: "chance", value });
  const { intervals, kinds, evaluated, mAP, auc, dPrime } = result;
  return [
    figure("mAP", "mAP", "share", {
      ...{ value: mAP, interval: intervals.mAP, baseline: chance(chanceMeanAP(kinds, evaluated)) },
    }),
    figure("auc", "AUC", "share", { value: auc, interval: intervals.auc, baseline: chance(0.5) }),
    figure("dPrime", "d-prime", "error", { value: dPrime, interval: intervals.dPrime, baseline: chance(0) }),
  ];
};

/** Of one label per clip. */
export function classificationFigures(result: ClassificationResult): readonly Figure[] {
  const { accuracy, intervals, majority, calibration, clips } = result;
  return [
    figure("accuracy", "accuracy", "share", {
      ...{ value: accuracy, interval: intervals.accuracy, clips: clips.correct },
      baseline: { name: `always “${majority.kind}”`, value: majority.accuracy },
    }),
    ...ranking(result),
    figure("calibration", "calibration error", "share", {
      ...{ value: calibration.error, interval: intervals.calibration, better: "lower" },
      baseline: { name: "calibrated model", value: calibration.whenCalibrated },
    }),
  ];
}

const directions = { audioToVisual: "sound → picture", visualToAudio: "picture → sound" } as const;
const recalls = { r1: "R@1", r5: "R@5", r10: "R@10", medianRank: "median rank" } as const;
/** Ranks below which a query counts, where it counts by itself. */
const within = { r1: 1, r5: 5, r10: 10 } as const;

/** Of both directions. */
export function retrievalFigures({ gallery, chance, ...result }: RetrievalResult): readonly Figure[] {
  return (Object.keys(directions) as (keyof typeof directions)[]).flatMap((direction) =>
    (Object.keys(recalls) as (keyof typeof recalls)[]).map((key) => {
      const scores = result[direction];
      const isRank = key === "medianRank";
      return figure(`${direction}.${key}`, recalls[key], isRank ? "rank" : "share", {
        ...{ of: directions[direction], value: scores[key], interval: scores.intervals[key] },
        over: { unit: "queries", count: scores.ranks.length, ...recordingsIn(result) },
        baseline: { name: `chance, 1 of ${gallery}`, value: chance[key] },
        ...(isRank ? { better: "lower" } : { clips: Array.from(scores.ranks, (rank) => (rank < within[key] ? 1 : 0)) }),
      });
    }),
  );
}

/** Errors on hidden patches beside mean fill. */
export const inpaintingFigures = (result: InpaintingResult): readonly Figure[] =>
  (["audio", "visual"] satisfies Modality[]).flatMap((modality) => {
    const { mse, psnr, meanFill, meanFillPsnr, intervals, clips } = result[modality];
    const beside = (value: number | null) => ({ name: "mean fill", value });
    return [
      figure(`${modality}.mse`, "squared error", "error", {
        ...{ of: modality, better: "lower", value: mse, interval: intervals.mse, baseline: beside(meanFill) },
        clips: clips.mse,
      }),
      figure(`${modality}.psnr`, "PSNR", "decibel", {
        ...{ of: modality, value: psnr, interval: intervals.psnr, baseline: beside(meanFillPsnr) },
      }),
    ];
  });

/** The clips that {@link Figure.clips} of a localization are of, in that order: those with a box inside the frame. */
export const locatedClips = (result: LocalizationResult): readonly string[] => pointedClips(result).ids;

/** Where the sound is seen, and whether it is. */
export function localizationFigures(result: LocalizationResult): readonly Figure[] {
  const { detection, intervals, centreBox } = result;
  const pointed = pointedClips(result);
  // Clips without a visible source are told from the others: they count here, and nowhere else.
  const told = {
    ...({ unit: "clips", count: new Set(result.steps.map(({ id }) => id)).size } as const),
    ...recordingsIn(detection ?? {}),
  };
  const overlaps = [
    ["ciou50", "cIoU@0.5"],
    ["auc", "AUC"],
    ["ciou", "mean cIoU"],
  ] as const;
  const detected = { averagePrecision: "AP", maxF1: "best F1" } as const;
  return [
    ...overlaps.map(([key, name]) =>
      figure(key, name, "share", {
        ...{ value: result[key], interval: intervals[key], clips: pointed[key] },
        baseline: { name: "centre box", value: centreBox[key] },
      }),
    ),
    figure("pixelAP", "pixel AP", "share", {
      ...{ value: result.pixelAP, interval: result.pixelAPInterval },
      baseline: { name: "random maps", value: result.random.pixelAP },
    }),
    ...(detection === null
      ? []
      : (["presence", "located"] as const).flatMap((task) =>
          (["averagePrecision", "maxF1"] as const).map((key) =>
            figure(`${task}.${key}`, detected[key], "share", {
              ...{ of: task, value: detection[task][key], interval: detection[task].intervals[key], over: told },
              baseline: { name: "chance", value: detection.chance[task][key] },
            }),
          ),
        )),
  ];
}

const fewShotFigures = ({ shots, kinds, chance }: FewShotResult): readonly Figure[] =>
  shots.map(({ shots: count, accuracy, interval, episodes }) =>
    figure(`shots.${count}`, `accuracy, ${count} ${count === 1 ? "shot" : "shots"}`, "share", {
      over: { unit: "episodes", count: episodes.length },
      ...{ value: accuracy, interval, baseline: { name: `guess, 1 of ${kinds}`, value: chance } },
    }),
  );

/** What a model says with sound, with pictures, with both, and where both confuse it. */
function vggSounderFigures({ given, alone, confusion }: VggSounderResult): readonly Figure[] {
  const asked = { audio: "sound alone", visual: "pictures alone", both: "both" } as const;
  const confused = { any: "either", audio: "sound", visual: "pictures", each: "each alone" } as const;
  const two = (key: string, of: string, { f1, hitRate, intervals, clips, random, recordings }: SounderScores) => {
    const shared = { of, over: { unit: "clips" as const, count: clips, ...recordingsIn({ recordings }) } };
    const beside = (value: number) => ({ name: "random class", value });
    return [
      figure(`${key}.f1`, "F1", "share", { ...shared, value: f1, interval: intervals.f1, baseline: beside(random.f1) }),
      figure(`${key}.hitRate`, "hit rate", "share", {
        ...{ ...shared, value: hitRate, interval: intervals.hitRate, baseline: beside(random.hitRate) },
      }),
    ];
  };
  return [
    ...(["audio", "visual", "both"] as const).flatMap((one) => two(one, asked[one], given[one])),
    ...(["heard only", "seen only"] as const).flatMap((labels) => {
      const one = alone[labels];
      return one === null ? [] : two(labels, `both, labels ${labels}`, one);
    }),
    ...(["any", "audio", "visual", "each"] as const).map((one) =>
      figure(`confusion.${one}`, `confusion: right with ${confused[one]}, wrong with both`, "share", {
        ...{ value: confusion[one].share, interval: confusion[one].interval, better: "lower" },
      }),
    ),
  ];
}

/**
 * Every figure of a result, with its interval, its baseline and how many it is over: shares from 0 to 1, PSNR in dB.
 *
 * @param made what a head returned, and which it was
 * @example
 * ```ts
 * import { figuresOf, matrix, retrieval } from "@kdc-mae/eval";
 *
 * const rows = matrix(2, 2, Float32Array.of(1, 0, 0, 1));
 * const result = retrieval({ audio: rows, visual: rows });
 * for (const { name, value, interval } of figuresOf({ head: "retrieval", result })) console.log(name, value, interval);
 * ```
 */
export function figuresOf(made: HeadResult): readonly Figure[] {
  switch (made.head) {
    case "classification":
      return classificationFigures(made.result);
    case "tagging":
      return ranking(made.result);
    case "retrieval":
      return retrievalFigures(made.result);
    case "inpainting":
      return inpaintingFigures(made.result);
    case "localization":
      return localizationFigures(made.result);
    case "few-shot":
      return fewShotFigures(made.result);
    case "vggsounder":
      return vggSounderFigures(made.result);
  }
}
