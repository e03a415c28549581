import type { Placing } from "../dataset/place-clips.js";
import { balancedWeights } from "../dataset/sampler.js";
import type { ShardChoice } from "../shards/choose-samples.js";
import type { RemoteOptions } from "../shards/remote-source.js";
import { openShardSet, type ShardSet } from "../shards/shard-set.js";
import { watchShards } from "../shards/verify-shards.js";
import { batchPool } from "./batch-pool.js";
import { type BatchOptions, type ClipTold, type Loader, loaderOf, stepsPerEpoch } from "./loader.js";
import { planEpoch } from "./plan-epoch.js";
import { placeSamples } from "./read-shards.js";
import { readerOf, type SampleReader } from "./sample-reader.js";

/** How {@link openShards} draws, prepares and batches clips. */
export type LoaderOptions = BatchOptions & {
  /** Leave out the last samples of an epoch that do not fill a batch (true by default). */
  readonly dropLast?: boolean;
  /** Draw in a random order (true by default). */
  readonly shuffle?: boolean;
  /** Samples among which the next is drawn (1024 by default); a remote set holds as many in memory. */
  readonly buffer?: number;
  /** Shards read by turns (8 by default). */
  readonly mix?: number;
  /** Only samples of this split, by the rule of `placeClips`. */
  readonly split?: string;
  readonly choice?: ShardChoice;
  readonly remote?: RemoteOptions;
};

/** Ready batches of a prepared set. */
export type ShardLoader = Loader & {
  /** What is known of every clip of the set, other splits too. */
  readonly everything: readonly ClipTold[];
  /** What decoded the clips when the set was prepared, where it says so. */
  readonly decodedBy?: readonly string[];
  /** Where the clips of the whole set go. */
  readonly placing: Placing;
  /** What was met in tars and is no sample, by reason. */
  readonly passedOver: ShardSet["passedOver"];
  /** Statistics of the set, where `prepare` measured them. */
  readonly logMel?: { readonly mean: number; readonly std: number };
};

/**
 * Opens prepared shards for training: every sample once per epoch (or balanced), shuffled by seed, split over machines,
 * resumable at any batch. What happens to a sample depends on seed, epoch and sample alone, not on order or workers. The
 * checksum of every sample is compared when it is read, and that of every shard on a disk once per epoch beside the work.
 *
 * @param where what `openShardSet` takes
 * @throws KdcError reason `no-shards`, `too-few-clips`, and those of reading
 *
 * @example
 * ```ts
 * import { audioGrid, visualGrid } from "@kdc-mae/core";
 * import { publishedAudio } from "@kdc-mae/data";
 * import { openShards } from "@kdc-mae/data/node";
 *
 * const grids = { audio: audioGrid(1024, 128, 16), visual: visualGrid(224, 16) };
 * const frontEnd = { audio: publishedAudio, visual: { size: 224 }, grids };
 * const loader = await openShards("prepared", { batch: 8, frontEnd, seed: 0 });
 * for await (const { patches } of loader.batches(0)) console.log(patches.audio.shape); // [8, 512, 256]
 * await loader.close();
 * ```
 */
export async function openShards(where: string | readonly string[], options: LoaderOptions): Promise<ShardLoader> {
  const {
    batch,
    seed,
    dropLast = true,
    shuffle = true,
    mix = 8,
    split,
    balanced = false,
    rank = 0,
    ranks = 1,
  } = options;
  const set = await openShardSet(where, options.remote, options.choice);
  const placing = placeSamples(set);
  const all = set.shards.flatMap(({ samples }, shard) => samples.map((sample, number) => ({ sample, shard, number })));
  const takes = ({ sample }: (typeof all)[number]) =>
    (split === undefined || placing.of(sample.split) === split) && (!balanced || sample.labels.length > 0);
  const members = set.shards.map((): number[] => []);
  for (const [index, entry] of all.entries()) if (takes(entry)) members[entry.shard].push(index);
  const taking = members.flat();
  const weights = balanced
    ? weightsOf(
        all.map(({ sample }) => sample.labels),
        taking,
      )
    : undefined;
  const pieceOf = async (index: number, { read }: Pick<SampleReader, "read">) => {
    const { shard, number, sample } = all[index];
    return { where: set.shards[shard].source.name, labels: sample.labels, bytes: await read(number) };
  };

  /** Readers of the shards that some samples lie in, each opened when it is needed. */
  const open = (wanted: readonly number[]) => {
    const readers = new Map<number, SampleReader>();
    const numbers = set.shards.map((): number[] => []);
    for (const index of wanted) numbers[all[index].shard].push(all[index].number);
    return {
      piece: (index: number) => {
        const { shard } = all[index];
        const reader = readers.get(shard) ?? readerOf(set.shards[shard], numbers[shard]);
        readers.set(shard, reader);
        return pieceOf(index, reader);
      },
      // Read alone: it may lie anywhere.
      partner: (place: number) => pieceOf(taking[place], readerOf(set.shards[all[taking[place]].shard], [])),
      close: async () => {
        await Promise.all([...readers.values()].map((reader) => reader.close()));
      },
    };
  };
  try {
    const kind = balanced ? "labelled " : "";
    const of = split === undefined ? "" : ` in the split ${split}`;
    const name = typeof where === "string" ? where : "shards";
    const steps = stepsPerEpoch(name, taking.length, { batch, rank, ranks, dropLast, kind, of });
    const watch = watchShards(set.shards);
    const loader = loaderOf(
      {
        ...{ items: taking.map((index) => all[index].sample), stepsPerEpoch: steps, open },
        told: (index) => {
          const { key, id, labels } = all[index].sample;
          return { key, id, labels };
        },
        orderOf: (epoch) =>
          planEpoch({
            shards: members.map((own) => Int32Array.from(own)),
            ...{ seed, epoch, mix, rank, ranks, even: dropLast, ...(weights ? { weights } : {}) },
            buffer: shuffle ? (options.buffer ?? 1024) : 0,
          }),
        ...{ begin: watch.begin, check: watch.expectNothingFound },
        close: async () => {
          await watch.stop();
          await set.close();
        },
      },
      options,
      batchPool,
    );
    return {
      ...{ ...loader, placing, passedOver: set.passedOver, everything: all.map(({ sample }) => sample) },
      ...(set.decodedBy === undefined ? {} : { decodedBy: set.decodedBy }),
      ...(set.logMel ? { logMel: { mean: set.logMel.mean, std: set.logMel.std } } : {}),
    };
  } catch (error) {
    await set.close();
    throw error;
  }
}

/** Balanced weights over those that take part; the others weigh nothing. */
function weightsOf(labels: readonly (readonly string[])[], taking: readonly number[]): Float64Array {
  const own = balancedWeights(taking.map((index) => labels[index]));
  const weights = new Float64Array(labels.length);
  for (const [at, index] of taking.entries()) weights[index] = own[at];
  return weights;
}
