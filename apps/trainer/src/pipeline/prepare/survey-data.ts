import { expectWritableFile } from "@kdc-mae/core/node";
import { countItems, type Problem, type Survey, survey as surveyClips } from "@kdc-mae/data/node";
import { type DecoderChoice, openDecoder } from "../corpus/open-decoder.js";
import { ownerOf, sharedList } from "../ranks/ranks.js";
import { ranksOf, type Surroundings } from "../surroundings.js";
import { type ManifestChoice, openChosen } from "./manifest-choice.js";

/** Which clips {@link surveyData} looks at. */
export type SurveyDataOptions = Surroundings &
  DecoderChoice &
  ManifestChoice & {
    /** Clips looked at side by side. */
    readonly workers?: number;
    /** A file for a manifest (JSONL) of the clips that can be used. */
    readonly clean?: string;
    /** Counts clips without a label as label-unknown. */
    readonly requireLabels?: boolean;
    /** Called for each clip that cannot be used. */
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
  const { clean: cleaned, requireLabels, onProblem, onProgress, signal } = options;
  const ranks = ranksOf(options);
  const isFirst = ranks.rank === 0;
  if (cleaned !== undefined && isFirst) await expectWritableFile(cleaned);
  const opened = await openDecoder(options, options);
  const { manifest, classes } = await openChosen(path, options, opened);
  const total = await countItems(manifest);
  const tell = (done: number, problems: number) =>
    onProgress?.({ stage: "survey", unit: "clips", done, total, note: `${problems} with a problem` });
  tell(0, 0);
  const result = await surveyClips({
    ...{ manifest, classes, signal, requireLabels },
    ...(isFirst ? { cleaned, onProblem } : {}),
    ...(ranks.size === 1
      ? {}
      : {
          together: {
            isOwn: (index) => ownerOf(index, total, ranks) === ranks.rank,
            gather: (own) => sharedList(ranks, own),
          },
        }),
    ...{ decoder: opened.decoder, workers: opened.workers },
    onProgress: ({ done, problems }) => tell(done, problems),
  });
  return { ...result, mediaRoot: manifest.media.root };
}
