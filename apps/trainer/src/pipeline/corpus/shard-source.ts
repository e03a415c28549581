import { type ClipGrids, createRng } from "@kdc-mae/core";
import { type Loader, openShards, type RemoteOptions, type ShardChoice, shardStatistics } from "@kdc-mae/data/node";
import type { Masker } from "@kdc-mae/masking";
import { type BatchSource, maskBatch } from "../pretrain/batch-source.js";
import type { Statistics } from "./batch.js";
import { shardData } from "./data-digest.js";
import { frontEndFor } from "./front-end.js";

export type ShardSourceOptions = {
  readonly grids: ClipGrids;
  /** Mean and standard deviation for normalising; "measured" takes those of the clips that are trained on. */
  readonly statistics: Statistics | "measured";
  /** None where views are drawn by a network, later. */
  readonly masker: Masker | undefined;
  readonly batch: number;
  readonly seed: number;
  /** Noise and circular time shift. */
  readonly noise: boolean;
  /** Only clips of this split (train unless told). */
  readonly split?: string;
  readonly choice?: ShardChoice;
  readonly rank?: number;
  readonly ranks?: number;
  /** Threads that make samples (1 unless told). */
  readonly workers?: number;
  readonly remote?: RemoteOptions;
};

/** A source with threads and files to close. */
export type ShardSource = BatchSource & {
  readonly clips: number;
  readonly placing: Loader["placing"];
  readonly passedOver: Loader["passedOver"];
  readonly statistics: Statistics;
  close(): Promise<void>;
};

/**
 * Batches for pretraining from prepared shards, each clip once per epoch with a random picture: what `memorySource`
 * gives for clips in memory, for sets that do not fit there. The next batches are made while a step runs.
 *
 * @param where folder or address of a prepared set, or a list of tars
 * @throws KdcError those of `openShards` and `shardStatistics`
 */
export async function openShardSource(
  where: string | readonly string[],
  options: ShardSourceOptions,
): Promise<ShardSource> {
  const { grids, masker, batch, seed, noise, split = "train", choice, remote } = options;
  const { logMel, frames, imageSize } = frontEndFor(grids, 1);
  const statistics =
    options.statistics === "measured"
      ? await shardStatistics(where, { audio: { ...logMel, frames }, split, choice, remote })
      : options.statistics;
  const loader = await openShards(where, {
    ...{ batch, seed, split, choice, rank: options.rank, ranks: options.ranks },
    ...{ workers: options.workers, remote: options.remote, augment: { noiseAndShift: noise } },
    frontEnd: { audio: { ...logMel, frames, ...statistics }, visual: { size: imageSize }, grids },
  });
  const root = createRng(seed).fork("clip");
  return {
    ...{ clips: loader.samples, statistics, stepsPerEpoch: loader.stepsPerEpoch, close: loader.close },
    ...{ placing: loader.placing, passedOver: loader.passedOver },
    data: shardData(loader),
    async *batches(epoch, from) {
      for await (const { patches, samples } of loader.batches(epoch, from)) {
        const streams = samples.map(({ id }) => root.fork(epoch).fork(id).fork("mask"));
        yield { patches, ...maskBatch(masker, grids, streams) };
      }
    },
  };
}
