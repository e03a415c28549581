import { openShards, type ShardChoice } from "@kdc-mae/data/node";
import { shardData } from "../corpus/data-digest.js";
import { frontEndFor } from "../corpus/front-end.js";
import { remoteAccess } from "../corpus/remote-access.js";
import { environmentOf, type Surroundings } from "../surroundings.js";
import type { LabelledOptions, LabelledSource } from "./source.js";

/**
 * The same batches from prepared shards, made ahead in worker threads.
 *
 * @throws KdcError those of `openShards`, such as a label that is not among the classes
 */
export async function shardLabelledSource(
  path: string,
  options: LabelledOptions &
    Surroundings & { readonly split?: string; readonly choice?: ShardChoice; readonly workers: number },
): Promise<LabelledSource> {
  const { grids, statistics, classes, batch, seed, smoothing, balanced, noise, specAugment, mixup } = options;
  const { logMel, frames, imageSize } = frontEndFor(grids, 1);
  const loader = await openShards(path, {
    ...{
      batch,
      seed,
      balanced,
      classes,
      smoothing,
      split: options.split ?? "train",
      choice: options.choice,
      workers: options.workers,
    },
    remote: remoteAccess(environmentOf(options)),
    augment: { noiseAndShift: noise, ...(specAugment ? { specAugment } : {}), ...(mixup ? { mixup } : {}) },
    frontEnd: { audio: { ...logMel, frames, ...statistics }, visual: { size: imageSize }, grids },
  });
  return {
    stepsPerEpoch: loader.stepsPerEpoch,
    close: loader.close,
    data: shardData(loader),
    async *batches(epoch, from) {
      for await (const { patches, targets } of loader.batches(epoch, from)) {
        if (targets !== undefined) yield { patches, targets };
      }
    },
  };
}
