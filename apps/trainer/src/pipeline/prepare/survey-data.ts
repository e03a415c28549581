import { availableCpus } from "@kdc-mae/core/node";
import { countItems, createPipesDecoder, type Problem, type Survey, survey as surveyClips } from "@kdc-mae/data/node";
import { findFfmpeg } from "../corpus/splits.js";
import type { Surroundings } from "../surroundings.js";
import { type ManifestChoice, openChosen } from "./manifest-choice.js";

export type SurveyDataOptions = Surroundings &
  ManifestChoice & {
    /** Clips looked at side by side. */
    readonly workers?: number;
    /** A file for a manifest (JSONL) of the clips that can be used. */
    readonly clean?: string;
    /** Counts clips without a label as label-unknown. */
    readonly requireLabels?: boolean;
    readonly onProblem?: (problem: Problem) => void;
  };

/** What a survey found. */
export type SurveyedData = Survey & {
  /** Where the manifest's paths begin. */
  readonly mediaRoot: string;
};

/**
 * Looks at every clip of a folder or manifest, and says how many can be used and why the others cannot.
 *
 * @throws KdcError for a manifest that cannot be read; AbortError when stopped
 */
export async function surveyData(path: string, options: SurveyDataOptions = {}): Promise<SurveyedData> {
  const { workers = availableCpus() + 1, clean: cleaned, requireLabels, onProblem, onProgress, signal } = options;
  const { manifest, classes } = await openChosen(path, options);
  const total = await countItems(manifest);
  const result = await surveyClips({
    ...{ manifest, classes, signal, workers, cleaned, requireLabels, onProblem },
    decoder: createPipesDecoder(await findFfmpeg(options)),
    onProgress: ({ done, problems }) =>
      onProgress?.({ stage: "survey", unit: "clips", done, total, note: `${problems} with a problem` }),
  });
  return { ...result, mediaRoot: manifest.media.root };
}
