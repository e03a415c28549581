import { createRng } from "@kdc-mae/core";
import { balancedWeights, weightedOrder } from "../dataset/sampler.js";
import type { StoredClip } from "../stored-clip.js";
import { type BatchOptions, type Loader, loaderOf, stepsPerEpoch } from "./loader.js";
import { type OpenPool, onThisThread, pieceOf } from "./make-batch.js";

/**
 * Batches of clips held in memory: each clip once an epoch (the last ones, which fill no batch, are left out) or balanced
 * by class. A clip becomes what `openShards` makes of it: everything random follows from seed, epoch, clip and how often
 * it came, so any batch can be made again, by any thread.
 *
 * @param openPool `batchThreads` of `@kdc-mae/data/node`, or this thread unless given
 * @throws KdcError reason `too-few-clips`, and those of making samples
 */
export function openStoredClips(
  clips: readonly StoredClip[],
  options: BatchOptions,
  openPool: OpenPool = (recipe) => onThisThread(recipe),
): Loader {
  const { batch, seed, balanced = false, rank = 0, ranks = 1 } = options;
  const items = clips.map(({ item: { id, labels, split } }) => ({ id, labels, split }));
  const steps = stepsPerEpoch("training data", clips.length, { batch, rank, ranks });
  const root = createRng(seed);
  const weights = balanced ? balancedWeights(items.map(({ labels }) => labels)) : undefined;
  const share = Math.floor(clips.length / ranks);
  const piece = async (index: number) => pieceOf(clips[index]);
  return loaderOf(
    {
      ...{ items, stepsPerEpoch: steps, told: (index) => items[index] },
      orderOf: (epoch) => {
        const order = weights
          ? weightedOrder(weights, epoch, root.fork("balance"))
          : root.fork("order").fork(epoch).permutation(clips.length);
        return order.subarray(rank * share, (rank + 1) * share);
      },
      open: () => ({ piece, partner: piece, close: async () => undefined }),
      close: async () => undefined,
    },
    options,
    openPool,
  );
}
