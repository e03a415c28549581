import { KdcError } from "@kdc-mae/core";
import { padFrames } from "../audio/log-mel.js";
import {
  addSums,
  type LogMelStatistics,
  type LogMelSums,
  noSums,
  statisticsOf,
  sumsOf,
} from "../prepare/log-mel-sums.js";
import { type AudioForm, publishedAudio, spectrogramOf } from "../prepare-clip.js";
import type { ShardChoice } from "../shards/choose-samples.js";
import type { RemoteOptions } from "../shards/remote-source.js";
import { measuredBySplit } from "../shards/shard-set.js";
import { readShards } from "./read-shards.js";

/** What {@link shardStatistics} measures, and on which clips. */
export type ShardStatisticsOptions = {
  /** The model's own front end. */
  readonly audio: AudioForm;
  /** The split that is fitted. */
  readonly split: string;
  readonly choice?: ShardChoice;
  readonly remote?: RemoteOptions;
  readonly signal?: AbortSignal;
  /** Called after every clip. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
};

/**
 * Mean and standard deviation of padded log-mel over the clips of a split, as a model's own front end makes it. What
 * `prepare` measured is taken where it is that front end and those clips; else every clip is read once.
 *
 * @throws KdcError reason `too-few-clips` for an empty split, `statistics` where every value is the same
 */
export async function shardStatistics(
  where: string | readonly string[],
  options: ShardStatisticsOptions,
): Promise<LogMelStatistics> {
  const { audio, split, choice = {} } = options;
  const measured =
    isPublished(audio) && choice.only === undefined && choice.splitBy === undefined
      ? await measuredBySplit(where, options.remote)
      : undefined;
  const own = measured && [measured[split], ...(split === "train" ? [measured.none] : [])];
  const known = (own ?? []).reduce<LogMelSums>((sum, one) => (one === undefined ? sum : addSums(sum, one)), noSums);
  const sums = known.clips > 0 ? known : await sumsOver(where, options);
  const statistics = statisticsOf(sums, audio.frames * audio.melBins);
  if (statistics.std > 0) return statistics;
  throw new KdcError({
    where: typeof where === "string" ? where : "shards",
    what: `every log-mel value of its ${sums.clips} clips is the same`,
    remedy: "Look at the clips' sound, or set audio.statistics to { mean, std }",
    reason: "statistics",
  });
}

const isPublished = (audio: AudioForm): boolean =>
  (["sampleRate", "melBins", "frameLengthMs", "frameShiftMs", "frames"] as const).every(
    (key) => audio[key] === publishedAudio[key],
  );

async function sumsOver(where: string | readonly string[], options: ShardStatisticsOptions): Promise<LogMelSums> {
  const { audio, split, choice, remote, signal, onProgress } = options;
  const reading = await readShards(where, { split, choice, remote, signal });
  let [sums, done] = [noSums, 0];
  try {
    for await (const { waveform } of reading.clips()) {
      sums = addSums(sums, sumsOf(padFrames(spectrogramOf(waveform, audio), audio.frames)));
      onProgress?.({ done: ++done, total: reading.count });
    }
  } finally {
    await reading.close();
  }
  return sums;
}
