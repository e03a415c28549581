import type { Modality } from "@kdc-mae/core";
import type { ReportInput } from "@kdc-mae/eval/report";
import type { CheckedExperiment } from "../experiment/schema.js";
import type { LogEntry } from "../run/run-folder.js";

const termName = (term: unknown): string => (typeof term === "string" ? term : (term as { name: string }).name);

/** What was set, line by line, for the report. */
export function settingsOf(experiment: CheckedExperiment, parameters: number, steps: number): [string, string][] {
  const { optimizer, training, masking, objective, seed, weighting } = experiment;
  const hidden = `hiding ${masking.audioRatio} of the sound and ${masking.visualRatio} of the picture`;
  return [
    ["parameters", parameters.toLocaleString("en")],
    ["views", `${masking.views}, ${masking.kind}, ${hidden}`],
    ["objective", objective.map(({ term, weight = 1 }) => `${weight} × ${termName(term)}`).join(" + ")],
    ["weighting", weighting],
    ["optimizer", `${optimizer.kind}, learning rate ${optimizer.learningRate}`],
    ["training", `${steps} steps of ${training.batch * training.accumulate} clips`],
    ["seed", String(seed)],
  ];
}

/** A run's log as curves, one point per epoch. */
export function lossCurves(log: readonly LogEntry[]): NonNullable<ReportInput["losses"]> {
  const names = Object.keys(log[0]?.losses ?? {});
  return {
    steps: log.map(({ step }) => step),
    series: Object.fromEntries(names.map((name) => [name, log.map(({ losses }) => losses[name])])),
  };
}

/** For each modality: true if its reconstruction was trained on per-patch normalised pixels. */
export function usesNormPixels({ objective }: Pick<CheckedExperiment, "objective">): Record<Modality, boolean> {
  const of = (modality: Modality) =>
    objective.some(
      ({ term, weight = 1, options }) =>
        termName(term) === `reconstruction-${modality}` &&
        weight !== 0 &&
        (options as { normPixels?: boolean } | undefined)?.normPixels === true,
    );
  return { audio: of("audio"), visual: of("visual") };
}

/** What a model predicts, for inpainting that brings normalised pixels back. */
export function restoredTargets(experiment: Pick<CheckedExperiment, "objective">) {
  const { audio, visual } = usesNormPixels(experiment);
  const target = (normalized: boolean) => (normalized ? "de-normalized" : "raw");
  return { audio: target(audio), visual: target(visual) } as const;
}

/** Says below the report's pictures which of them borrowed statistics of the truth. */
export function restoredNote(targets: ReturnType<typeof restoredTargets>): Pick<ReportInput, "pictureNote"> {
  const names = { audio: "spectrograms", visual: "frames" } as const;
  const restored = (["audio", "visual"] as const).filter((modality) => targets[modality] !== "raw");
  if (restored.length === 0) return {};
  return {
    pictureNote: `The model predicts patches of normalised values. In the ${restored.map((modality) => names[modality]).join(" and the ")} each patch it made was given the TRUE patch’s mean and deviation, which it does not know.`,
  };
}
