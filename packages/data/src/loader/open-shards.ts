import { type FloatTensor, float32, type HostPatches, KdcError } from "@kdc-mae/core";
import { orderedMap } from "../dataset/ordered-map.js";
import type { Placing } from "../dataset/place-clips.js";
import { balancedWeights } from "../dataset/sampler.js";
import {
  type Augmentation,
  drawPartner,
  type MadeSample,
  type SampleRecipe,
  sampleStream,
  streamName,
} from "../make-sample.js";
import { assembleBatch, type FrontEnd } from "../prepare-clip.js";
import type { ShardChoice } from "../shards/choose-samples.js";
import type { RemoteOptions } from "../shards/remote-source.js";
import type { IndexedSample } from "../shards/shard-index.js";
import { openShardSet, type ShardSet } from "../shards/shard-set.js";
import { watchShards } from "../shards/verify-shards.js";
import { planEpoch } from "./plan-epoch.js";
import { placeSamples } from "./read-shards.js";
import { inlinePool, workerPool } from "./sample-pool.js";
import { readerOf, type SampleReader } from "./sample-reader.js";
import type { SampleJob } from "./shard-recording.js";

export type LoaderOptions = {
  readonly batch: number;
  readonly frontEnd: FrontEnd;
  readonly seed: number | string;
  /** Leave out the last samples of an epoch that do not fill a batch (true unless told). */
  readonly dropLast?: boolean;
  /** Draw in a random order (true unless told). */
  readonly shuffle?: boolean;
  /** Samples among which the next is drawn (1024 unless told); a remote set holds as many in memory. */
  readonly buffer?: number;
  /** Shards read by turns (8 unless told). */
  readonly mix?: number;
  /** Draw rare classes as often as common ones, with replacement; clips without a label are left out. */
  readonly balanced?: boolean;
  /** Only samples of this split, by the rule of `placeClips`. */
  readonly split?: string;
  readonly choice?: ShardChoice;
  /** This machine's number, and how many there are. */
  readonly rank?: number;
  readonly ranks?: number;
  readonly augment?: Augmentation;
  /** Which picture of a clip; random unless told. */
  readonly picture?: SampleRecipe["picture"];
  /** Class names in the order of the targets; left out: no targets. */
  readonly classes?: readonly string[];
  /** ε of the targets (0 unless told). */
  readonly smoothing?: number;
  /** Threads that make samples (1 unless told); 0 makes them on this one. */
  readonly workers?: number;
  /** Batches made ahead (3 unless told). */
  readonly ahead?: number;
  readonly remote?: RemoteOptions;
};

export type LoadedBatch = {
  readonly epoch: number;
  /** Number of the batch in its epoch. */
  readonly step: number;
  readonly samples: readonly Pick<IndexedSample, "key" | "id" | "labels">[];
  /** Which picture of each clip. */
  readonly pictures: readonly number[];
  /** How often each sample came earlier in this epoch; above 0 only where sampling is balanced. */
  readonly occurrences: readonly number[];
  /** audio `[B, N, P]`, visual `[B, N, P]`. */
  readonly patches: HostPatches;
  /** Soft labels `[B, C]`, where classes were given. */
  readonly targets?: FloatTensor;
};

/** Ready batches of a prepared set. */
export type Loader = {
  /** Samples of an epoch on all machines together. */
  readonly samples: number;
  /** What the set says of each of them, in the order of the shards. */
  readonly items: readonly Pick<IndexedSample, "id" | "labels" | "split">[];
  /** The same of the whole set, other splits too. */
  readonly everything: readonly Pick<IndexedSample, "id" | "labels" | "split">[];
  /** What decoded the clips when the set was prepared, where it says so. */
  readonly decodedBy?: readonly string[];
  /** Where the clips of the whole set go. */
  readonly placing: Placing;
  /** What was met in tars and is no sample, by reason. */
  readonly passedOver: ShardSet["passedOver"];
  readonly stepsPerEpoch: number;
  /** Statistics of the set, where `prepare` measured them. */
  readonly logMel?: { readonly mean: number; readonly std: number };
  /** The batches of an epoch from number `from` on: always the same ones, and the next are made while one is used. */
  batches(epoch: number, from?: number): AsyncGenerator<LoadedBatch, void>;
  close(): Promise<void>;
};

/**
 * Opens prepared shards for training: every sample once per epoch (or balanced), shuffled by seed, split over machines,
 * resumable at any batch. What happens to a sample depends on seed, epoch and sample alone, not on order or workers. The
 * checksum of every sample is compared when it is read, and that of every shard on a disk once per epoch beside the work.
 *
 * @param where what `openShardSet` takes
 * @throws KdcError reason `no-shards`, `too-few-clips`, and those of reading
 */
export async function openShards(where: string | readonly string[], options: LoaderOptions): Promise<Loader> {
  const {
    batch,
    frontEnd,
    seed,
    dropLast = true,
    shuffle = true,
    mix = 8,
    split,
    classes,
    workers = 1,
    ahead = 3,
  } = options;
  const { balanced = false, rank = 0, ranks = 1, augment = {}, picture = "random", smoothing = 0 } = options;
  const set = await openShardSet(where, options.remote, options.choice);
  const placing = placeSamples(set);
  const all = set.shards.flatMap(({ samples }, shard) => samples.map((sample, number) => ({ sample, shard, number })));
  const takes = ({ sample }: (typeof all)[number]) =>
    (split === undefined || placing.of(sample.split) === split) && (!balanced || sample.labels.length > 0);
  const members = set.shards.map((): number[] => []);
  for (const [index, entry] of all.entries()) if (takes(entry)) members[entry.shard].push(index);
  const taking = members.flat();
  const evenShare = Math.floor(taking.length / ranks);
  const ownShare = Math.floor(((rank + 1) * taking.length) / ranks) - Math.floor((rank * taking.length) / ranks);
  const stepsPerEpoch = dropLast ? Math.floor(evenShare / batch) : Math.ceil(ownShare / batch);
  if (stepsPerEpoch === 0) {
    await set.close();
    throw new KdcError({
      where: typeof where === "string" ? where : "shards",
      what: `there are ${taking.length} ${balanced ? "labelled " : ""}clips${split === undefined ? "" : ` in the split ${split}`} and a batch takes ${batch}${ranks > 1 ? ` on each of ${ranks} machines` : ""}`,
      remedy: "Give more clips, or a smaller batch",
      reason: "too-few-clips",
    });
  }
  const weights = balanced
    ? weightsOf(
        all.map(({ sample }) => sample.labels),
        taking,
      )
    : undefined;
  const recipe: SampleRecipe = { frontEnd, augment, picture, smoothing, ...(classes ? { classes } : {}) };
  const pool = workers === 0 ? inlinePool(recipe) : workerPool(recipe, workers);

  const watch = watchShards(set.shards);

  const orderOf = (epoch: number) =>
    planEpoch({
      shards: members.map((own) => Int32Array.from(own)),
      ...{ seed, epoch, mix, rank, ranks, even: dropLast, ...(weights ? { weights } : {}) },
      buffer: shuffle ? (options.buffer ?? 1024) : 0,
    });

  async function* batches(epoch: number, from = 0): AsyncGenerator<LoadedBatch, void> {
    const order = orderOf(epoch);
    const end = dropLast ? stepsPerEpoch * batch : order.length;
    const seen = new Map<number, number>();
    const before = (index: number) => {
      const times = seen.get(index) ?? 0;
      seen.set(index, times + 1);
      return times;
    };
    const errands = Array.from(order.subarray(0, end), (index) => ({ index, occurrence: before(index) })).slice(
      from * batch,
    );
    const readers = new Map<number, SampleReader>();
    const wanted = new Map<number, number[]>();
    for (const { index } of errands) {
      const { shard, number } = all[index];
      if (!wanted.has(shard)) wanted.set(shard, []);
      wanted.get(shard)!.push(number);
    }
    const read = (index: number) => {
      const { shard, number } = all[index];
      const reader = readers.get(shard) ?? readerOf(set.shards[shard], wanted.get(shard) ?? []);
      readers.set(shard, reader);
      return reader.read(number);
    };
    const toldOf = (index: number) => {
      const { shard, sample } = all[index];
      return { where: set.shards[shard].source.name, labels: sample.labels };
    };

    const make = async ({ index, occurrence }: (typeof errands)[number]) => {
      const stream = streamName(seed, epoch, all[index].sample.id, occurrence);
      const other = drawPartner(sampleStream(stream), augment, taking.length);
      const job: SampleJob = {
        ...{ stream, bytes: await read(index), ...toldOf(index) },
        ...(other === undefined
          ? {}
          : { partner: { bytes: await readAlone(taking[other]), ...toldOf(taking[other]) } }),
      };
      return { index, occurrence, made: await pool.make(job) };
    };
    const readAlone = (index: number) => {
      const { shard, number } = all[index];
      return readerOf(set.shards[shard], []).read(number);
    };
    const many = ahead * batch;
    watch.begin();
    let group: Awaited<ReturnType<typeof make>>[] = [];
    let step = from;
    try {
      for await (const sample of orderedMap(errands, make, { concurrency: many, ahead: many })) {
        group.push(sample);
        if (group.length < batch) continue;
        const ready = group;
        group = [];
        watch.expectNothingFound();
        yield batchOf(ready, epoch, step++);
      }
      if (group.length > 0) yield batchOf(group, epoch, step);
    } finally {
      await Promise.all([...readers.values()].map((reader) => reader.close()));
    }
  }

  const batchOf = (
    group: readonly { index: number; occurrence: number; made: MadeSample }[],
    epoch: number,
    step: number,
  ): LoadedBatch => ({
    ...{ epoch, step },
    samples: group.map(({ index }) => {
      const { key, id, labels } = all[index].sample;
      return { key, id, labels };
    }),
    pictures: group.map(({ made }) => made.picture),
    occurrences: group.map(({ occurrence }) => occurrence),
    patches: assembleBatch(group.map(({ made }) => made)),
    ...(classes ? { targets: stackTargets(group.map(({ made }) => made.target!)) } : {}),
  });

  return {
    ...{ samples: taking.length, stepsPerEpoch, batches, placing, passedOver: set.passedOver },
    ...{ items: taking.map((index) => all[index].sample), everything: all.map(({ sample }) => sample) },
    ...(set.decodedBy === undefined ? {} : { decodedBy: set.decodedBy }),
    ...(set.logMel ? { logMel: { mean: set.logMel.mean, std: set.logMel.std } } : {}),
    close: async () => {
      await Promise.all([watch.stop(), pool.close()]);
      await set.close();
    },
  };
}

/** Balanced weights over those that take part; the others weigh nothing. */
function weightsOf(labels: readonly (readonly string[])[], taking: readonly number[]): Float64Array {
  const own = balancedWeights(taking.map((index) => labels[index]));
  const weights = new Float64Array(labels.length);
  for (const [at, index] of taking.entries()) weights[index] = own[at];
  return weights;
}

function stackTargets(targets: readonly Float32Array[]): FloatTensor {
  const out = float32([targets.length, targets[0].length]);
  for (const [row, target] of targets.entries()) out.data.set(target, row * target.length);
  return out;
}
