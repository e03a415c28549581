import { mediaFor } from "../corpus/open-corpus.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { configFor } from "../run/model-file.js";
import type { RunOptions } from "../run/run-options.js";
import { teacherIn } from "../small/fixed-teacher.js";
import { ranksOf, type Surroundings } from "../surroundings.js";
import { expectPossible } from "./expect-possible.js";
import { startFrom } from "./start-from.js";

/**
 * What a pretraining reads before it looks at a clip, and a plan of one does too, so that both refuse the same.
 *
 * @throws KdcError for a folder for made clips where none are made, for what {@link expectPossible} refuses, and for a start or a
 * teacher that cannot be read or does not fit
 */
export async function readBeforeClips(
  experiment: CheckedExperiment,
  { init, media, ...around }: Surroundings & Partial<Pick<RunOptions, "init" | "media">>,
) {
  const config = configFor(experiment);
  const folder = mediaFor(media, experiment.data);
  expectPossible(experiment, ranksOf(around));
  const start = init === undefined ? undefined : await startFrom(init, config, experiment.seed, around);
  return { config, media: folder, start, teacher: await teacherIn(experiment, config, around) };
}
