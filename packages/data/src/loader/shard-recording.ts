import type { Frame } from "@kdc-mae/core";
import { type MadeSample, makeSample, type Recording, type SampleRecipe, sampleStream } from "../make-sample.js";
import { spectrogramOf } from "../prepare-clip.js";
import { readSample } from "../shards/sample.js";
import { decodePicture } from "../visual/encode-picture.js";
import { fit } from "../visual/fit.js";
import { normalizeFrame } from "../visual/normalize.js";

/** One sample to be made: its piece of a shard, its stream's name, and its partner where it is mixed. */
export type SampleJob = {
  readonly stream: string;
  readonly bytes: Uint8Array;
  readonly where: string;
  /** As the set's index has them. */
  readonly labels: readonly string[];
  readonly partner?: Pick<SampleJob, "bytes" | "where" | "labels">;
};

/** Makes the sample of a job. */
export const makeShardSample = async (job: SampleJob, recipe: SampleRecipe): Promise<MadeSample> =>
  makeSample(
    recordingOf(job, recipe),
    recipe,
    sampleStream(job.stream),
    job.partner && recordingOf(job.partner, recipe),
  );

/** A sample's piece of a shard as a recording; its labels are the index's. */
function recordingOf(
  { bytes, where, labels }: NonNullable<SampleJob["partner"]>,
  { frontEnd }: SampleRecipe,
): Recording {
  const { key, notes, waveform, logMel, pictures } = readSample(bytes, where);
  const name = `${where}, sample ${key}`;
  return {
    ...{ where: name, labels, waveform, pictures: pictures.length },
    spectrogram: () => logMel?.() ?? spectrogramOf(waveform(), frontEnd.audio),
    picture: async (index) => {
      const frame: Frame = await decodePicture(pictures[index], `${name}, picture ${index}`, notes.times?.[index]);
      return normalizeFrame(fit(frame, frontEnd.visual.size));
    },
  };
}
