import { type ClipGrids, createRng, KdcError } from "@kdc-mae/core";
import { openShards, type RemoteOptions, shardStatistics } from "@kdc-mae/data/node";
import { batchViews, type Masker } from "@kdc-mae/masking";
import type { BatchSource } from "../pretrain/batch-source.js";
import type { Statistics } from "./batch.js";
import { frontEndFor } from "./front-end.js";

export type ShardSourceOptions = {
  readonly grids: ClipGrids;
  /** Mean and standard deviation for normalising; "measured" takes what `prepare` measured. */
  readonly statistics: Statistics | "measured";
  readonly masker: Masker;
  readonly batch: number;
  readonly seed: number;
  /** Noise and circular time shift. */
  readonly noise: boolean;
  /** Only clips of this split. */
  readonly split?: string;
  readonly rank?: number;
  readonly ranks?: number;
  /** Threads that make samples (1 unless told). */
  readonly workers?: number;
  readonly remote?: RemoteOptions;
};

/** A source with threads and files to close. */
export type ShardSource = BatchSource & {
  readonly clips: number;
  readonly statistics: Statistics;
  close(): Promise<void>;
};

/**
 * Batches for pretraining from prepared shards, each clip once per epoch with a random picture: what `memorySource`
 * gives for clips in memory, for sets that do not fit there. The next batches are made while a step runs.
 *
 * @param where folder or address of a prepared set, or a list of tars
 * @throws KdcError reason `statistics` when they are to be taken from a set that has none, and those of `openShards`
 */
export async function openShardSource(
  where: string | readonly string[],
  options: ShardSourceOptions,
): Promise<ShardSource> {
  const { grids, masker, batch, seed, noise } = options;
  const { logMel, frames, imageSize } = frontEndFor(grids, 1);
  const statistics =
    options.statistics === "measured" ? await measuredStatistics(where, options.remote) : options.statistics;
  const loader = await openShards(where, {
    ...{ batch, seed, split: options.split, rank: options.rank, ranks: options.ranks },
    ...{ workers: options.workers, remote: options.remote, augment: { noiseAndShift: noise } },
    frontEnd: { audio: { ...logMel, frames, ...statistics }, visual: { size: imageSize }, grids },
  });
  const root = createRng(seed).fork("clip");
  return {
    ...{ clips: loader.samples, statistics, stepsPerEpoch: loader.stepsPerEpoch, close: loader.close },
    async *batches(epoch, from) {
      for await (const { patches, samples } of loader.batches(epoch, from)) {
        const views = samples.map(({ id }) => masker(grids, root.fork(epoch).fork(id).fork("mask")));
        yield { patches, views: batchViews(views) };
      }
    },
  };
}

/**
 * What `prepare` measured over a set.
 *
 * @throws KdcError reason `statistics` where it says nothing
 */
export async function measuredStatistics(
  where: string | readonly string[],
  remote?: RemoteOptions,
): Promise<Statistics> {
  const logMel = await shardStatistics(where, remote);
  if (logMel) return logMel;
  throw new KdcError({
    where: typeof where === "string" ? where : "shards",
    what: "the set says no mean and standard deviation",
    remedy: "Set audio.statistics to { mean, std }, or use the folder that prepare made",
    reason: "statistics",
  });
}
