import {
  type ArmRun,
  type FigureToCompare,
  figuresOf,
  type HeadResult,
  locatedClips,
  type Protocol,
} from "@kdc-mae/eval";
import type { Evaluation } from "../evaluate/evaluate.js";

/** One result of an evaluation, and the columns that an ablation's tables have of its figures: key and name there. */
type Compared = {
  readonly made: HeadResult | undefined;
  readonly columns: Readonly<Record<string, readonly [key: string, name: string]>>;
  /** The clips its scores are of. */
  readonly ids: readonly string[];
};

/** A probe's protocol without what only this run found, the strength that was chosen. */
const standard = (protocol: Protocol): Protocol => ({
  ...protocol,
  notes: protocol.notes.filter((note) => !note.startsWith("l2 = ")),
});

const comparedOf = (evaluation: Evaluation, ids: readonly string[]): readonly Compared[] => {
  const { retrieval, classification, inpainting: [inpainting] = [], localization } = evaluation;
  return [
    {
      made: retrieval && { head: "retrieval", result: retrieval },
      columns: {
        "audioToVisual.r1": ["r1-audioToVisual", "R@1 sound → picture"],
        "visualToAudio.r1": ["r1-visualToAudio", "R@1 picture → sound"],
      },
      ids,
    },
    ...(["audio", "visual", "joint"] as const).map((stream): Compared => {
      const result = classification?.[stream];
      return {
        made: result && { head: "classification", result: { ...result, protocol: standard(result.protocol) } },
        columns: { accuracy: [`probe-${stream}`, `probe accuracy, ${stream}`] },
        ids,
      };
    }),
    {
      made: inpainting && { head: "inpainting", result: inpainting },
      columns: {
        "audio.mse": ["inpainting-audio", "inpainting error, audio"],
        "visual.mse": ["inpainting-visual", "inpainting error, visual"],
      },
      ids,
    },
    {
      made: localization && { head: "localization", result: localization },
      columns: { ciou50: ["localization-ciou50", "cIoU@0.5"], auc: ["localization-auc", "localization AUC"] },
      ids: localization === undefined ? [] : locatedClips(localization),
    },
  ];
};

/**
 * The figures that arms are compared by, with their scores by clip.
 *
 * @param ids the test clips, in the order they were evaluated in
 */
export function runFigures(
  evaluation: Evaluation,
  ids: readonly string[],
): { readonly specs: readonly FigureToCompare[]; readonly figures: ArmRun["figures"] } {
  const measured = comparedOf(evaluation, ids).flatMap(({ made, columns, ids: own }) => {
    if (made === undefined) return [];
    const { protocol, evaluated, leftOut } = made.result;
    return figuresOf(made).flatMap(({ key: figure, kind, better, value, baseline, clips }) => {
      if (!Object.hasOwn(columns, figure) || value === null || typeof baseline?.value !== "number") return [];
      const [key, name] = columns[figure];
      const spec: FigureToCompare = {
        ...{ key, name, kind, better, baseline: baseline.name },
        ...{ protocol, evaluated, leftOut },
      };
      const scores = clips && { clips: Object.fromEntries(own.map((id, at) => [id, clips[at]])) };
      return [{ spec, figure: { value, baseline: baseline.value, ...scores } }];
    });
  });
  return {
    specs: measured.map(({ spec }) => spec),
    figures: Object.fromEntries(measured.map(({ spec, figure }) => [spec.key, figure])),
  };
}
