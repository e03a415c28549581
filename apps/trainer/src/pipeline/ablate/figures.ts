import { type ArmRun, type FigureToCompare, type Protocol, protocols, successArea } from "@kdc-mae/eval";
import type { Evaluation } from "../evaluate/evaluate.js";

type Measured = { readonly spec: FigureToCompare; readonly figure: ArmRun["figures"][string] };

type Evaluated = Pick<FigureToCompare, "protocol" | "evaluated" | "leftOut">;

const how = ({ protocol, evaluated, leftOut }: Evaluated): Evaluated => ({ protocol, evaluated, leftOut });

/** A probe's protocol without what only this run found, the strength that was chosen. */
const standard = (protocol: Protocol): Protocol => protocols.find(({ name }) => name === protocol.name) ?? protocol;

const byClip = (ids: readonly string[], values: ArrayLike<number>): Readonly<Record<string, number>> =>
  Object.fromEntries(ids.map((id, index) => [id, values[index]]));

function retrievalFigures({ retrieval }: Evaluation, ids: readonly string[]): readonly Measured[] {
  if (retrieval === undefined) return [];
  const directions = [
    ["audioToVisual", "R@1 sound → picture"],
    ["visualToAudio", "R@1 picture → sound"],
  ] as const;
  return directions.map(([direction, name]) => ({
    spec: {
      ...{ key: `r1-${direction}`, name, kind: "share", better: "higher" },
      baseline: `chance, 1 of ${retrieval.gallery}`,
      ...how(retrieval),
    },
    figure: {
      value: retrieval[direction].r1,
      baseline: retrieval.chance.r1,
      clips: byClip(
        ids,
        Array.from(retrieval[direction].ranks, (rank) => (rank < 1 ? 1 : 0)),
      ),
    },
  }));
}

function probeFigures({ classification }: Evaluation, ids: readonly string[]): readonly Measured[] {
  if (classification === undefined) return [];
  return (["audio", "visual", "joint"] as const).map((stream) => {
    const { accuracy, majority, clips } = classification[stream];
    return {
      spec: {
        ...{ key: `probe-${stream}`, name: `probe accuracy, ${stream}`, kind: "share", better: "higher" },
        baseline: `always “${majority.kind}”`,
        ...how(classification[stream]),
        protocol: standard(classification[stream].protocol),
      },
      figure: { value: accuracy, baseline: majority.accuracy, clips: byClip(ids, clips.correct) },
    };
  });
}

function inpaintingFigures({ inpainting }: Evaluation, ids: readonly string[]): readonly Measured[] {
  const first = inpainting?.[0];
  if (first === undefined) return [];
  return (["audio", "visual"] as const).map((modality) => ({
    spec: {
      ...{ key: `inpainting-${modality}`, name: `inpainting error, ${modality}`, kind: "error", better: "lower" },
      baseline: "mean fill",
      ...how(first),
    },
    figure: {
      value: first[modality].mse,
      baseline: first[modality].meanFill,
      clips: byClip(ids, first[modality].clips.mse),
    },
  }));
}

function localizationFigures({ localization }: Evaluation): readonly Measured[] {
  if (localization === undefined) return [];
  const { steps } = localization;
  const figures = [
    ["ciou50", "cIoU@0.5", (ciou: number) => (ciou >= 0.5 ? 1 : 0)],
    ["auc", "localization AUC", successArea],
  ] as const;
  return figures.map(([key, name, of]) => ({
    spec: {
      ...{ key: `localization-${key}`, name, kind: "share", better: "higher", baseline: "centre box" },
      ...how(localization),
    },
    figure: {
      value: localization[key],
      baseline: localization.centreBox[key],
      clips: meansByClip(
        steps.flatMap(({ id, overlaps }) => (overlaps === undefined ? [] : [[id, of(overlaps.model)] as const])),
      ),
    },
  }));
}

/** Mean over the steps of each clip. */
function meansByClip(scores: readonly (readonly [id: string, score: number])[]): Readonly<Record<string, number>> {
  const sums = new Map<string, { sum: number; count: number }>();
  for (const [id, score] of scores) {
    const { sum, count } = sums.get(id) ?? { sum: 0, count: 0 };
    sums.set(id, { sum: sum + score, count: count + 1 });
  }
  return Object.fromEntries([...sums].map(([id, { sum, count }]) => [id, sum / count]));
}

/**
 * The figures that arms are compared by, with their scores by clip.
 *
 * @param ids the test clips, in the order they were evaluated in
 */
export function runFigures(
  evaluation: Evaluation,
  ids: readonly string[],
): { readonly specs: readonly FigureToCompare[]; readonly figures: ArmRun["figures"] } {
  const measured = [
    ...retrievalFigures(evaluation, ids),
    ...probeFigures(evaluation, ids),
    ...inpaintingFigures(evaluation, ids),
    ...localizationFigures(evaluation),
  ];
  return {
    specs: measured.map(({ spec }) => spec),
    figures: Object.fromEntries(measured.map(({ spec, figure }) => [spec.key, figure])),
  };
}
