import type { ReportInput } from "@kdc-mae/eval";
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

/** True if a reconstruction term was trained on per-patch normalised pixels. */
export const usesNormPixels = ({ objective }: CheckedExperiment): boolean =>
  objective.some(({ options }) => (options as { normPixels?: boolean } | undefined)?.normPixels === true);
