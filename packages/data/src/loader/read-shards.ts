import { type Clip, KdcError } from "@kdc-mae/core";
import { orderedMap } from "../dataset/ordered-map.js";
import { type NamedFor, type Placing, placeClips } from "../dataset/place-clips.js";
import { recordingsInSplits } from "../dataset/recordings-in-splits.js";
import type { Split } from "../dataset/split-names.js";
import { passedOverInWords } from "../manifest/passed-over.js";
import type { ShardChoice } from "../shards/choose-samples.js";
import type { RemoteOptions } from "../shards/remote-source.js";
import { readSample } from "../shards/sample.js";
import type { SampleNotes } from "../shards/sample-notes.js";
import type { IndexedSample, Shard } from "../shards/shard-index.js";
import { openShardSet, type ShardSet } from "../shards/shard-set.js";
import { decodePicturesOf } from "../visual/encode-picture.js";
import { type LeftOutBySplit, leftOutOf } from "./left-out-of.js";
import { readerOf } from "./sample-reader.js";

/** Which clips of a prepared set are read. */
export type ReadShardsOptions = {
  /** Only clips of this split, by the rule of {@link placeClips}. */
  readonly split?: string;
  /** What the set was named for, which decides where clips go that name no split. */
  readonly namedFor?: NamedFor;
  /** Of a set named for scoring in which no clip names a split, the one all are in (test by default). */
  readonly scored?: Split;
  readonly choice?: ShardChoice;
  /** Only clips that it is true of, by what the index says. */
  readonly takes?: (sample: IndexedSample) => boolean;
  /** A split without clips is read as an empty one instead of refused. */
  readonly mayBeEmpty?: boolean;
  /** Clips worked on at once (4 by default). */
  readonly concurrency?: number;
  readonly remote?: RemoteOptions;
  readonly signal?: AbortSignal;
};

/** A prepared set, to be read from front to back. */
export type ShardReading = {
  /** How many clips {@link ShardReading.clips} gives. */
  readonly count: number;
  /** What the set says of them without being read, in the same order. */
  readonly items: readonly Pick<IndexedSample, "key" | "id" | "labels" | "split" | "recording">[];
  /** Statistics of the set, where `prepare` measured them. */
  readonly logMel?: ShardSet["logMel"];
  /** Clips that could not be prepared, by split and reason, where the set says so. */
  readonly leftOut: LeftOutBySplit;
  /** The same of the whole set, other splits too. */
  readonly everything: readonly Pick<IndexedSample, "id" | "labels" | "split">[];
  /** Where the clips of the whole set go. */
  readonly placing: Placing;
  /** What was met in tars and is no sample, by reason. */
  readonly passedOver: ShardSet["passedOver"];
  /** Every clip once in the order of the shards, as the decoder gave it: its sound, and all of its pictures. */
  clips(): AsyncGenerator<Clip, void>;
  /** Gives back files and processes; nothing can be read after. */
  close(): Promise<void>;
};

/**
 * Opens prepared shards to be read whole, for evaluating: in order, unshuffled, nothing changed at random. Pictures have
 * the size that `prepare` gave them; boxes, where there are any, are in pixels of the file's own pictures.
 *
 * @param where what `openShardSet` takes
 * @throws KdcError reason `too-few-clips` when no clip is of the split, and those of reading
 *
 * @example
 * ```ts
 * import { readShards } from "@kdc-mae/data/node";
 *
 * const set = await readShards("prepared", { split: "test" });
 * for await (const { item, waveform, frames } of set.clips()) {
 *   console.log(item.id, waveform.samples.length, frames.length);
 * }
 * await set.close();
 * ```
 */
export async function readShards(
  where: string | readonly string[],
  options: ReadShardsOptions = {},
): Promise<ShardReading> {
  const { split, namedFor, scored, takes = () => true, concurrency = 4, remote, signal } = options;
  const set = await openShardSet(where, remote, options.choice);
  const placing = placeSamples(set, namedFor, scored);
  const chosen = set.shards.map(({ samples }) =>
    [...samples.keys()].filter(
      (at) => (split === undefined || placing.of(samples[at].split) === split) && takes(samples[at]),
    ),
  );
  const items = set.shards.flatMap(({ samples }, shard) => chosen[shard].map((at) => samples[at]));
  if (items.length === 0 && !options.mayBeEmpty) {
    const passed = passedOverInWords(set.passedOver);
    await set.close();
    throw new KdcError({
      where: typeof where === "string" ? where : "shards",
      what: `there are no clips${split === undefined ? "" : ` of the split ${split}`} in it${passed === undefined ? "" : ` (${passed})`}`,
      remedy: "Look at what its dataset.json says of splits, and at its quarantine.jsonl",
      reason: "too-few-clips",
    });
  }

  async function* clips(): AsyncGenerator<Clip, void> {
    for (const [index, shard] of set.shards.entries()) {
      const reader = readerOf(shard, chosen[index]);
      try {
        yield* orderedMap(chosen[index], async (at) => clipOf(await reader.read(at), shard, shard.samples[at]), {
          ...{ concurrency, ahead: 2 * concurrency },
        });
      } finally {
        await reader.close();
      }
    }
  }
  const clipOf = async (bytes: Uint8Array, { source }: Shard, { id, labels, split }: IndexedSample): Promise<Clip> => {
    signal?.throwIfAborted();
    const { key, notes, waveform, pictures } = readSample(bytes, source.name);
    return {
      item: { ...itemOf(notes, key), id, labels, ...(split === undefined ? {} : { split }) },
      waveform: waveform(),
      frames: await decodePicturesOf(pictures, `${source.name}, sample ${key}`, notes.times),
      ...(notes.original ? { original: notes.original } : {}),
    };
  };
  return {
    ...{
      count: items.length,
      items,
      everything: set.shards.flatMap(({ samples }) => samples),
      clips,
      placing,
      leftOut: leftOutOf(set, placing),
      passedOver: set.passedOver,
      close: set.close,
    },
    ...(set.logMel ? { logMel: set.logMel } : {}),
  };
}

/** Where the clips of a set go. */
export function placeSamples({ shards }: ShardSet, namedFor?: NamedFor, scored?: Split): Placing {
  const recordings = recordingsInSplits();
  for (const { samples } of shards) for (const sample of samples) recordings.add(sample);
  const splits = shards.flatMap(({ samples }) => samples.map((sample) => sample.split));
  return recordings.told(placeClips(splits, namedFor, scored));
}

/** The clip as its manifest named it; a tar of somebody else says no path. */
function itemOf({ id, labels, split, source, boxes, columns }: SampleNotes, key: string): Clip["item"] {
  return {
    ...{ id, labels, path: source?.path ?? key },
    ...(split === undefined ? {} : { split }),
    ...(source?.start === undefined ? {} : { start: source.start }),
    ...(source?.end === undefined ? {} : { end: source.end }),
    ...(boxes === undefined ? {} : { boxes }),
    ...(columns === undefined ? {} : { columns }),
  };
}
