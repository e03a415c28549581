import type { ClassificationResult } from "../classification/classification.js";
import type { Evaluated } from "../head.js";
import type { InpaintingResult, ModalityInpainting } from "../inpainting/inpainting.js";
import type { LocalizationResult, PointingScores } from "../localization/localization.js";
import type { Protocol } from "../protocol.js";
import type { DirectionScores, RetrievalResult } from "../retrieval/retrieval.js";
import type { ReportInput } from "./report-input.js";

/** The figures of a result without its protocol in full and without one number per clip. */
const measured = ({ protocol, evaluated, recordings, leftOut }: Evaluated) => ({
  ...{ protocol: protocol.name, evaluated, ...(recordings === undefined ? {} : { recordings }), leftOut },
});

const direction = ({ ranks: _, ...figures }: DirectionScores) => figures;

function retrievalRecord(result: RetrievalResult) {
  return {
    gallery: result.gallery,
    audioToVisual: direction(result.audioToVisual),
    visualToAudio: direction(result.visualToAudio),
    chance: result.chance,
    warnings: result.warnings,
    ...measured(result),
  };
}

function modeRecord({ clips: _, ...result }: ClassificationResult) {
  return { ...result, ...measured(result) };
}

const modalityRecord = ({ clips: _, ...figures }: ModalityInpainting) => figures;

function inpaintingRecord(result: InpaintingResult) {
  return {
    audio: modalityRecord(result.audio),
    visual: modalityRecord(result.visual),
    mask: result.mask,
    ratio: result.ratio,
    targets: result.targets,
    ...measured(result),
  };
}

const pointing = ({ ciou50, auc, ciou, intervals }: PointingScores) => ({ ciou50, auc, ciou, intervals });

function localizationRecord(result: LocalizationResult) {
  const { pixelAP, pixelAPInterval, centreBox, centreHalfArea, oracle, area, detection, warnings } = result;
  return {
    ...pointing(result),
    pixelAP,
    pixelAPInterval,
    centreBox,
    centreHalfArea,
    oracle,
    area,
    detection,
    warnings,
    ...measured(result),
  };
}

/** Every protocol used, once, by name. */
export function protocolsOf(input: ReportInput): readonly Protocol[] {
  const results: readonly (Evaluated | undefined)[] = [
    ...(input.classification === undefined ? [] : Object.values(input.classification)),
    input.retrieval,
    ...(input.inpainting ?? []),
    input.localization,
  ];
  const used = results.flatMap((result) => (result === undefined ? [] : [result.protocol]));
  return [...new Map(used.map((protocol) => [protocol.name, protocol])).values()];
}

/** The report as a plain record: the same keys whatever was run, a task left out where it was not. */
export function reportRecord(input: ReportInput) {
  const { classification, inpainting, retrieval, localization } = input;
  const [first, ...others] = inpainting ?? [];
  return {
    title: input.title,
    dataset: {
      train: input.dataset.train,
      validation: input.dataset.validation,
      test: input.dataset.test,
      kinds: input.dataset.kinds.length,
      kindNames: input.dataset.kinds,
      leftOut: input.dataset.leftOut,
    },
    retrieval: retrieval && retrievalRecord(retrieval),
    classification: classification && {
      audio: modeRecord(classification.audio),
      visual: modeRecord(classification.visual),
      joint: modeRecord(classification.joint),
      majority: classification.joint.majority.accuracy,
    },
    inpainting: first && { ...inpaintingRecord(first), otherMasks: others.map(inpaintingRecord) },
    localization: localization && localizationRecord(localization),
    losses: input.losses && finalLosses(input.losses),
    protocols: Object.fromEntries(protocolsOf(input).map((protocol) => [protocol.name, protocol])),
    settings: Object.fromEntries(input.settings ?? []),
    seconds: input.seconds,
    engine: input.engine,
  };
}

/** The first and the last value of every series. */
function finalLosses({ series, steps }: NonNullable<ReportInput["losses"]>) {
  const ends = Object.entries(series).map(([name, values]) => [name, { first: values[0], last: values.at(-1) }]);
  return { steps: steps.length, ...Object.fromEntries(ends) };
}

/**
 * The report as JSON text.
 *
 * @example
 * ```ts
 * import { matrix, retrieval } from "@kdc-mae/eval";
 * import { reportJson } from "@kdc-mae/eval/report";
 *
 * const rows = matrix(2, 2, Float32Array.of(1, 0, 0, 1));
 * const text = reportJson({
 *   title: "Two clips",
 *   engine: "none",
 *   dataset: { train: 0, test: 2, kinds: ["bell", "drum"], leftOut: {} },
 *   seconds: { media: 0, evaluate: 0.1, total: 0.1 },
 *   retrieval: retrieval({ audio: rows, visual: rows }),
 * });
 * ```
 */
export function reportJson(input: ReportInput): string {
  return `${JSON.stringify(reportRecord(input), null, 2)}\n`;
}
