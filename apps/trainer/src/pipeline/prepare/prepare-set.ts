import { existsSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { KdcError } from "@kdc-mae/core";
import { expectWritable } from "@kdc-mae/core/node";
import {
  countItems,
  type DatasetSummary,
  type PassedOver,
  type PreparedTogether,
  type PrepareOptions,
  prepare as prepareShards,
} from "@kdc-mae/data/node";
import { type DecoderChoice, openDecoder } from "../corpus/open-decoder.js";
import { type Ranks, told } from "../ranks/ranks.js";
import { ranksOf, type Surroundings } from "../surroundings.js";
import { expectApart } from "./expect-apart.js";
import { type ManifestChoice, openChosen } from "./manifest-choice.js";

/** Which clips {@link prepareSet} packs, and into what. */
export type PrepareSetOptions = Surroundings &
  DecoderChoice &
  ManifestChoice & {
    /** Folder of the prepared set. */
    readonly out: string;
    /** Clips decoded side by side. */
    readonly workers?: number;
    /** Longest time for one clip, seconds. */
    readonly timeout?: number;
    readonly content: PrepareOptions["content"];
  };

/** The summary of the set, and what was met and is no clip. */
export type PreparedSet = DatasetSummary & { readonly passedOver: PassedOver };

/**
 * Decodes every clip of a folder or manifest once into WebDataset shards; a stopped call goes on where it was.
 *
 * @throws KdcError for a manifest or folder that cannot be read or written; AbortError when stopped
 */
export async function prepareSet(path: string, options: PrepareSetOptions): Promise<PreparedSet> {
  const { out, content, signal, onNote, onProgress } = options;
  const ranks = ranksOf(options);
  const isNew = !existsSync(out);
  // Before the list is read: cutting films in windows measures every one of them.
  await expectApart("--out", out, path);
  if (ranks.rank === 0) await expectWritable(out);
  const { manifest, total, decoder, decodedBy, workers } = await clipsOf(path, options).catch(async (error) => {
    if (ranks.rank === 0 && isNew) await rmdir(out).catch(() => undefined);
    throw error;
  });
  const tell = (done: number, note: string) => onProgress?.({ stage: "prepare", unit: "clips", done, total, note });
  tell(0, "0 failed");
  const prepared = await prepareShards({
    ...{
      together: ranks.size === 1 ? undefined : togetherAs(ranks),
      manifest,
      signal,
      out,
      workers,
      content,
      decoder,
      decodedBy,
      onNote,
    },
    onProgress: ({ done, reused, mended, failed }) => {
      const before = reused > 0 ? `, ${reused} from before` : "";
      const again = mended > 0 ? `, ${mended} damaged ${mended === 1 ? "shard" : "shards"} made again` : "";
      tell(done, `${failed} failed${before}${again}`);
    },
  });
  // Of several ranks the first sums up, and tells.
  return told(ranks, () => prepared) as Promise<PreparedSet>;
}

/** The list, and how many clips it names. @throws KdcError (`too-few-clips`) for none */
async function clipsOf(path: string, options: PrepareSetOptions) {
  const opened = await openDecoder(options, options);
  const { manifest } = await openChosen(path, options, opened);
  const total = await countItems(manifest);
  if (total > 0) return { ...opened, manifest, total };
  throw new KdcError({
    where: path,
    what: "there are no clips in it to prepare",
    remedy: "Give a folder or list of films; kdc-mae survey says what else it holds",
    reason: "too-few-clips",
  });
}

/** Shards go to ranks by turns: a stopped run leaves few gaps. */
const togetherAs = ({ rank, size, barrier }: Ranks): PreparedTogether => ({
  isFirst: rank === 0,
  isOwn: (shard) => shard % size === rank,
  barrier,
});
