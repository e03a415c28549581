import { type FloatTensor, type HostPatches, KdcError } from "@kdc-mae/core";
import { orderedMap } from "../dataset/ordered-map.js";
import { expectCount } from "../expect-count.js";
import { type Augmentation, drawPartner, type SampleRecipe, sampleStream, streamName } from "../make-sample.js";
import type { FrontEnd } from "../prepare-clip.js";
import type { OpenPool, SampleJob, SamplePiece } from "./make-batch.js";

/** What batches are made of clips, wherever the clips lie. */
export type BatchOptions = {
  readonly batch: number;
  readonly frontEnd: FrontEnd;
  readonly seed: number | string;
  /** Draw rare classes as often as common ones, with replacement; clips without a label are left out. */
  readonly balanced?: boolean;
  /** This machine's number, and how many there are. */
  readonly rank?: number;
  readonly ranks?: number;
  readonly augment?: Augmentation;
  /** Which picture of a clip; random by default. */
  readonly picture?: SampleRecipe["picture"];
  /** Class names in the order of the targets; left out: no targets. */
  readonly classes?: readonly string[];
  /** ε of the targets (0 by default). */
  readonly smoothing?: number;
  /** Threads that make batches (1 by default); 0 makes them on this one. */
  readonly workers?: number;
  /** Batches made ahead (two more than workers by default). */
  readonly ahead?: number;
};

/** What a set says of a clip without reading it. */
export type ClipTold = {
  /** Its name in its shard. */
  readonly key?: string;
  readonly id: string;
  readonly labels: readonly string[];
  readonly split?: string;
};

/** One batch of clips, with what it was made of. */
export type LoadedBatch = {
  readonly epoch: number;
  /** Number of the batch in its epoch. */
  readonly step: number;
  readonly samples: readonly ClipTold[];
  /** Which picture of each clip. */
  readonly pictures: readonly number[];
  /** How often each sample came earlier in this epoch; above 0 only where sampling is balanced. */
  readonly occurrences: readonly number[];
  /** audio `[B, N, P]`, visual `[B, N, P]`. */
  readonly patches: HostPatches;
  /** Soft labels `[B, C]`, where classes were given. */
  readonly targets?: FloatTensor;
};

/** Ready batches of clips. */
export type Loader = {
  /** Samples of an epoch on all machines together. */
  readonly samples: number;
  /** What is known of each of them, in the order of the set. */
  readonly items: readonly ClipTold[];
  readonly stepsPerEpoch: number;
  /**
   * The batches of an epoch from number `from` on: always the same ones, and the next are made while one is used. Those
   * that are not wanted are left out, and nothing of them is read.
   */
  batches(epoch: number, from?: number, wanted?: (step: number) => boolean): AsyncGenerator<LoadedBatch, void>;
  /** Ends its threads and gives back files; nothing can be read after. */
  close(): Promise<void>;
};

/** Where the clips of a loader lie; each has a number. */
export type Clips = {
  readonly items: readonly ClipTold[];
  readonly stepsPerEpoch: number;
  /** Numbers of this machine's samples of an epoch, in their order. */
  orderOf(epoch: number): Int32Array;
  told(index: number): ClipTold;
  /** Reads clips, of which those that are wanted come in about this order; a partner is any of `items`, by its place. */
  open(wanted: readonly number[]): {
    piece(index: number): Promise<SamplePiece>;
    partner(place: number): Promise<SamplePiece>;
    close(): Promise<void>;
  };
  /** Told before the first batch of an epoch, and before each is handed out, which may throw. */
  readonly begin?: () => void;
  readonly check?: () => void;
  close(): Promise<void>;
};

/**
 * Batches of an epoch that one machine makes.
 *
 * @param set where the clips are, in words
 * @param clips that take part; `kind` of them (`labelled `) and `of` where (` in the split x`), in words
 * @throws KdcError reason `too-few-clips` for fewer than a batch on each machine
 */
export function stepsPerEpoch(
  set: string,
  clips: number,
  {
    batch,
    rank = 0,
    ranks = 1,
    dropLast = true,
    kind = "",
    of = "",
  }: Pick<BatchOptions, "batch" | "rank" | "ranks"> & {
    readonly dropLast?: boolean;
    readonly kind?: string;
    readonly of?: string;
  },
): number {
  const own = Math.floor(((rank + 1) * clips) / ranks) - Math.floor((rank * clips) / ranks);
  const steps = dropLast ? Math.floor(Math.floor(clips / ranks) / batch) : Math.ceil(own / batch);
  if (steps > 0) return steps;
  throw new KdcError({
    where: set,
    what: `there are ${clips} ${kind}clips${of} and a batch takes ${batch}${ranks > 1 ? ` on each of ${ranks} machines` : ""}`,
    remedy: "Give more clips, or a smaller batch",
    reason: "too-few-clips",
  });
}

/** Makes batches of clips that lie anywhere, ahead of whoever uses them; what the pool does besides is all the same. */
export function loaderOf(clips: Clips, options: BatchOptions, openPool: OpenPool): Loader {
  const { batch, frontEnd, seed, augment = {}, picture = "random", smoothing = 0, classes, workers = 1 } = options;
  const { ahead = workers + 2 } = options;
  expectCount("loader", "workers", workers, 0);
  expectCount("loader", "ahead", ahead);
  const recipe: SampleRecipe = { frontEnd, augment, picture, smoothing, ...(classes ? { classes } : {}) };
  const pool = openPool(recipe, workers);
  const { items, told } = clips;

  /** The samples of an epoch from one on, and how often each came before. */
  const drawsFrom = (epoch: number, first: number) => {
    const seen = new Map<number, number>();
    const draws = Array.from(clips.orderOf(epoch), (index) => {
      const occurrence = seen.get(index) ?? 0;
      seen.set(index, occurrence + 1);
      return { index, occurrence };
    });
    return draws.slice(first, clips.stepsPerEpoch * batch);
  };

  async function* batches(
    epoch: number,
    from = 0,
    wanted: (step: number) => boolean = () => true,
  ): AsyncGenerator<LoadedBatch, void> {
    const drawn = drawsFrom(epoch, from * batch);
    const groups = Array.from({ length: Math.ceil(drawn.length / batch) }, (_, at) => ({
      step: from + at,
      draws: drawn.slice(at * batch, (at + 1) * batch),
    })).filter(({ step }) => wanted(step));
    const reading = clips.open(groups.flatMap(({ draws }) => draws.map(({ index }) => index)));
    const jobOf = async ({ index, occurrence }: (typeof drawn)[number]): Promise<SampleJob> => {
      const stream = streamName(seed, epoch, told(index).id, occurrence);
      const other = drawPartner(sampleStream(stream), augment, items.length);
      const of = await reading.piece(index);
      return { stream, of, ...(other === undefined ? {} : { partner: await reading.partner(other) }) };
    };
    const make = async (group: (typeof groups)[number]): Promise<LoadedBatch> => ({
      ...{ epoch, step: group.step },
      samples: group.draws.map(({ index }) => told(index)),
      occurrences: group.draws.map(({ occurrence }) => occurrence),
      ...(await pool.make(await Promise.all(group.draws.map(jobOf)))),
    });
    clips.begin?.();
    try {
      for await (const made of orderedMap(groups, make, { concurrency: ahead, ahead })) {
        clips.check?.();
        yield made;
      }
    } finally {
      await reading.close();
    }
  }

  return {
    ...{ samples: items.length, items, stepsPerEpoch: clips.stepsPerEpoch, batches },
    close: async () => {
      await pool.close();
      await clips.close();
    },
  };
}
