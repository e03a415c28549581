import { join } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { disk, type FileSystem, makeFolder, sweepTemporaries, withLock, writeWhole } from "@kdc-mae/core/node";
import { orderedMap } from "../dataset/ordered-map.js";
import { expectCount } from "../expect-count.js";
import type { ManifestItem } from "../manifest/manifest-item.js";
import { countPassedOver, type PassedOver, type PassOver } from "../manifest/passed-over.js";
import type { Manifest } from "../manifest/read-manifest.js";
import type { Decoder, SoundDecoder } from "../media/decoder.js";
import { mediaError } from "../media/media-error.js";
import { seal } from "../shards/sealed-json.js";
import { inTurn } from "./in-turn.js";
import { expectSameContent, findRecord, type MadeAgain } from "./made-before.js";
import { type PreparedContent, publishedContent } from "./options.js";
import { prepareItem } from "./prepare-item.js";
import { hashItems, type Quarantined, type ShardRecord } from "./shard-record.js";
import { type DatasetSummary, startSummary } from "./summary.js";
import { type Outcome, type ShardWriter, writeShard } from "./write-shard.js";

/** What {@link prepare} makes a set of shards of. */
export type PrepareOptions = {
  readonly manifest: Manifest;
  /** Folder of the set; made when missing. A run that was stopped there goes on. */
  readonly out: string;
  readonly decoder: Decoder & SoundDecoder;
  /** Clips in work at once; about the number of processor cores. */
  readonly workers: number;
  readonly content?: Partial<PreparedContent>;
  /** What decodes, such as `ffmpeg 7.0.2`; kept with the set. */
  readonly decodedBy?: string;
  /** Told once when shards of an earlier run were decoded by something else, and once when some are made again for clips they lack. */
  readonly onNote?: (note: string) => void;
  /** Called after every clip. */
  readonly onProgress?: (progress: PrepareProgress) => void;
  readonly signal?: AbortSignal;
  /** The disk; another one in tests. */
  readonly files?: FileSystem;
  /** Processes that prepare the set together, each with shards of its own; every one makes the same call. */
  readonly together?: PreparedTogether;
};

/** This process among several that prepare a set. */
export type PreparedTogether = {
  /** The first holds the folder's lock, and concludes. */
  readonly isFirst: boolean;
  /** Whether a shard is this process's. */
  readonly isOwn: (shard: number) => boolean;
  /** Waits until all have come here. */
  readonly barrier: () => Promise<void>;
};

/** How far preparing a set has come. */
export type PrepareProgress = {
  /** Items dealt with, those of an earlier run included. */
  readonly done: number;
  /** Of those, taken over from an earlier run, each shard's SHA-256 checked. */
  readonly reused: number;
  /** Shards of an earlier run whose bytes are not what its record says; they are made again. */
  readonly mended: number;
  readonly failed: number;
  readonly bytes: number;
};

/** A piece of work: one item of a shard, a shard that an earlier run has finished, or one of another process. */
type Task =
  | {
      readonly kind: "item";
      readonly shard: number;
      readonly items: string;
      readonly index: number;
      readonly item: ManifestItem;
      readonly last: boolean;
    }
  | { readonly kind: "finished"; readonly shard: number; readonly record: ShardRecord }
  | { readonly kind: "other"; readonly shard: number };

/**
 * Decodes every clip of a manifest once, into shards: `shard-000000.tar` … with a record `shard-000000.json` beside
 * each, `quarantine.jsonl` with what could not be used, and `dataset.json`, the summary. The shard and place of an item
 * follow from the manifest alone, so a run that was killed at any moment and is started again ends with the same bytes
 * as one that was not, and does at most one shard again. Finished shards are taken over when their SHA-256 is right, and
 * made again when it is not, or when they lack clips whose ffmpeg was killed or came to no end in time (which says more of
 * the machine than of the clip). One run at a time: the folder is locked. Of processes that work together each makes its own
 * shards, and the first then goes through all of them as a run that finds everything finished.
 *
 * @returns the summary, and what was met and is no clip; undefined for other processes than the first
 * @throws KdcError reason `disk-full`, `permission` …; `aborted` when the signal says so; `locked` when another run
 *   writes there; `other-content` when the folder holds a set of another content or manifest; `no-clips` when none could be used
 *
 * @example
 * ```ts
 * import { createPipesDecoder, locateFfmpeg, openManifest, prepare } from "@kdc-mae/data/node";
 *
 * const decoder = createPipesDecoder((await locateFfmpeg({ env: process.env })).path);
 * await prepare({ manifest: await openManifest("clips/manifest.jsonl"), out: "prepared", decoder, workers: 2 });
 * ```
 */
export async function prepare(options: Omit<PrepareOptions, "together">): Promise<PrepareResult>;
export async function prepare(options: PrepareOptions): Promise<PrepareResult | undefined>;
export async function prepare(options: PrepareOptions): Promise<PrepareResult | undefined> {
  const { out, files = disk, together } = options;
  await makeFolder(out, files);
  if (together !== undefined && !together.isFirst) {
    await together.barrier();
    await makeShards(options, together.isOwn);
    await together.barrier();
    return undefined;
  }
  return withLock(out, async () => {
    await sweepTemporaries(out);
    await expectSameContent(out, { ...publishedContent, ...options.content }, files);
    if (together !== undefined) {
      await together.barrier();
      await makeShards(options, together.isOwn);
      await together.barrier();
    }
    const { passedOver, quarantine, summary } = await makeShards(options, undefined, together === undefined);
    await writeWhole(
      join(out, "quarantine.jsonl"),
      quarantine.map((entry) => `${JSON.stringify(entry)}\n`).join(""),
      files,
    );
    expectClips(options, summary);
    await writeWhole(join(out, "dataset.json"), seal(summary, 1), files);
    return { ...summary, passedOver };
  });
}

/** @throws KdcError (`no-clips`) for a set of which nothing could be used, which nobody could read */
function expectClips({ out, manifest }: PrepareOptions, { samples, quarantined }: DatasetSummary): void {
  if (samples > 0) return;
  const reasons = Object.entries(quarantined);
  if (reasons.length === 0) {
    throw new KdcError({
      where: out,
      what: `there are no clips in what it is made from (its files begin at ${manifest.media.root})`,
      remedy: "Give a folder or a list that has some",
      reason: "no-clips",
    });
  }
  throw new KdcError({
    where: out,
    what: `none of its clips could be used (${reasons.map(([reason, count]) => `${reason} ${count}`).join(", ")})`,
    remedy: `Look at ${join(out, "quarantine.jsonl")}; paths begin at the media root, ${manifest.media.root}. Then give another --out`,
    reason: "no-clips",
  });
}

/** The summary, and what was met and is no clip. */
type PrepareResult = DatasetSummary & { readonly passedOver: PassedOver };

/** Makes the shards that are this process's, where they are not finished, and sums up those. @param triesAgain clips that an earlier run had no luck with */
async function makeShards(
  options: PrepareOptions,
  isOwn: (shard: number) => boolean = () => true,
  triesAgain = true,
): Promise<{
  readonly summary: DatasetSummary;
  readonly quarantine: readonly Quarantined[];
  readonly passedOver: PassedOver;
}> {
  const { manifest, out, decoder, workers, decodedBy, onNote, onProgress, files = disk } = options;
  expectCount("prepare", "workers", workers);
  const content = { ...publishedContent, ...options.content };
  const ending = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, ending.signal]) : ending.signal;

  const summary = startSummary(content);
  const quarantine: Quarantined[] = [];
  const passed = countPassedOver();
  let [done, reused, mended, failed, bytes] = [0, 0, 0, 0, 0];
  const conclude = (record: ShardRecord) => {
    summary.add(record);
    quarantine.push(...record.quarantined);
    bytes += record.bytes;
  };

  const work = async (task: Task): Promise<{ task: Task; outcome?: Outcome }> => {
    if (task.kind !== "item") return { task };
    await turns.reached(task.shard);
    if (signal.aborted) throw mediaError("prepare", "aborted");
    return { task, outcome: await prepareItem(task.item, task.index, { manifest, decoder, content, signal }) };
  };
  // What is decoded of a later shard would be lost in a crash, so none is begun before the one at hand is finished.
  const turns = inTurn();
  const stop = () => {
    ending.abort();
    turns.release();
  };
  let writer: ShardWriter | undefined;
  try {
    let lacking = 0;
    const onLacking = () => {
      if (lacking++ === 0) onNote?.("clips whose ffmpeg was killed or came to no end in time are tried again");
    };
    const again: MadeAgain = { onDamaged: () => mended++, ...(triesAgain ? { onLacking } : {}) };
    const tasks = tasksOf(manifest, out, { content, files, isOwn, again }, passed.passOver);
    // A decoder that takes many at a time is kept busy by that many; a few more wait for the one whose turn it is.
    const concurrency = workers * (decoder.together ?? 1);
    const pool = { concurrency, ahead: Math.max(8 * workers, concurrency + 16), stop };
    let noted = false;
    for await (const { task, outcome } of orderedMap(tasks, work, pool)) {
      if (signal.aborted) throw mediaError("prepare", "aborted");
      if (task.kind === "other") {
        turns.next(task.shard + 1);
        continue;
      }
      if (task.kind === "finished") {
        const count = task.record.samples.length + task.record.quarantined.length;
        [done, reused, failed] = [done + count, reused + count, failed + task.record.quarantined.length];
        conclude(task.record);
        const before = task.record.decodedBy;
        if (!noted && before !== undefined && decodedBy !== undefined && before !== decodedBy) {
          noted = true;
          onNote?.(`finished shards were decoded by ${before}, the rest is decoded by ${decodedBy}; clips may differ`);
        }
        turns.next(task.shard + 1);
      } else {
        writer ??= await writeShard(out, task.shard, task.items, files, decodedBy);
        await writer.add(outcome!);
        done++;
        if ("quarantined" in outcome!) failed++;
        if (task.last) {
          const finishing = writer;
          conclude(await finishing.finish());
          writer = undefined;
          turns.next(task.shard + 1);
        }
      }
      onProgress?.({ done, reused, mended, failed, bytes });
    }
  } catch (error) {
    await writer?.discard();
    throw error;
  }
  return { summary: summary.finish(), quarantine, passedOver: passed.result() };
}

/** The items of a manifest in shards; finished shards are told by their records. */
async function* tasksOf(
  manifest: Manifest,
  out: string,
  {
    content: { clipsPerShard },
    files,
    isOwn,
    again,
  }: {
    readonly content: PreparedContent;
    readonly files: FileSystem;
    readonly isOwn: (shard: number) => boolean;
    readonly again: MadeAgain;
  },
  passOver: PassOver,
): AsyncGenerator<Task> {
  let [shard, first, group]: [number, number, ManifestItem[]] = [0, 0, []];
  const close = async function* (): AsyncGenerator<Task> {
    if (!isOwn(shard)) {
      yield { kind: "other", shard };
      [shard, first, group] = [shard + 1, first + group.length, []];
      return;
    }
    const items = hashItems(group);
    const record = await findRecord(out, shard, items, files, again);
    if (record) yield { kind: "finished", shard, record };
    else {
      for (const [at, item] of group.entries()) {
        yield { kind: "item", shard, items, index: first + at, item, last: at === group.length - 1 };
      }
    }
    [shard, first, group] = [shard + 1, first + group.length, []];
  };
  for await (const item of manifest.items(passOver)) {
    group.push(item);
    if (group.length === clipsPerShard) yield* close();
  }
  if (group.length > 0) yield* close();
}
