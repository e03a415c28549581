import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { fileError } from "@kdc-mae/core/node";
import { orderedMap } from "../dataset/ordered-map.js";
import { splitNamed } from "../dataset/split-names.js";
import { sameLabel } from "../manifest/labels.js";
import { countPassedOver, type PassedOver, type PassOver } from "../manifest/passed-over.js";
import type { SumsBySplit } from "../prepare/log-mel-sums.js";
import { type ByteSource, fileSource } from "./byte-source.js";
import { chosenFrom, type ShardChoice } from "./choose-samples.js";
import { withOwnIds } from "./own-ids.js";
import { readRecord, readSummary, type SetSummary } from "./read-summary.js";
import { openRemote, type RemoteOptions } from "./remote-source.js";
import { jsonLimit, unseal } from "./sealed-json.js";
import { type IndexedSample, type Shard, scanShard } from "./shard-index.js";

/** Mean and standard deviation of the log-mel of a set that `prepare` made. */
export type ShardSet = {
  readonly shards: readonly Shard[];
  readonly logMel?: { readonly mean: number; readonly std: number };
  /** Clips that could not be prepared, by reason, where the set says so. */
  readonly quarantined?: Readonly<Record<string, number>>;
  /** The same by split, `none` for those that name none, where the set says so. */
  readonly quarantinedBySplit?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What decoded its clips, where the set says so. */
  readonly decodedBy?: readonly string[];
  /** What was met in tars and is no sample, by reason. */
  readonly passedOver: PassedOver;
  close(): Promise<void>;
};

/**
 * Opens shards: a folder or URL that `prepare` filled, a folder of any tars, or a list of tars (paths or URLs). Shards
 * without an index beside them are read through once to find their samples.
 *
 * @param where folder, `http(s)://` or `s3://` address of one, or a list of tars
 * @throws KdcError reason `missing`, `bad-set`, `bad-tar`, `remote`, `no-shards`
 */
export async function openShardSet(
  where: string | readonly string[],
  options: RemoteOptions = {},
  choice: ShardChoice = {},
): Promise<ShardSet> {
  const isList = typeof where !== "string";
  const summary = isList ? undefined : await summaryOf(where, options);
  const names = isList ? where : (summary?.tars.map((tar) => placeIn(where, tar)) ?? (await listTars(where)));
  if (names.length === 0) {
    throw new KdcError({
      where: isList ? "shards" : where,
      what: "there are no shards in it",
      remedy: "Give the folder that prepare made, or .tar files",
      reason: "no-shards",
    });
  }
  const passed = countPassedOver();
  const sources: ByteSource[] = [];
  const closeAll = async () => {
    await Promise.all(sources.map((source) => source.close()));
  };
  type Opened = { readonly shard: Shard; readonly met: readonly Parameters<PassOver>[] };
  const openOne = async (name: string): Promise<Opened> => {
    const source = sourceOf(name, options);
    sources.push(source);
    const beside = name.replace(/\.tar$/, ".json");
    const record = await readJson(beside, options)
      .then((value) => value && readRecord(value, beside))
      .catch((error) => {
        // What lies beside a stranger's tar may be anything; what a set of ours names must be right.
        if (summary) throw error;
        return undefined;
      });
    const recorded = record?.samples.map(inOurWords);
    const met: Parameters<PassOver>[] = [];
    const samples = recorded ?? (await scanShard(source.stream(), name, (...one) => void met.push(one)));
    return { shard: { source, samples, ...(record?.sha256 === undefined ? {} : { sha256: record.sha256 }) }, met };
  };
  const shards: Shard[] = [];
  let chosen: readonly Shard[];
  try {
    for await (const { shard, met } of orderedMap(names, openOne, { concurrency: 8, ahead: 16 })) {
      shards.push(shard);
      // Told in the order of the shards, whichever was read first.
      for (const one of met) passed.passOver(...one);
    }
    chosen = chosenFrom(withOwnIds(shards), choice, passed.passOver);
  } catch (error) {
    await closeAll();
    throw error;
  }
  const { logMel, quarantined, quarantinedBySplit, decodedBy } = summary ?? {};
  return {
    ...{ shards: chosen, passedOver: passed.result(), close: closeAll },
    ...(logMel ? { logMel } : {}),
    ...(quarantined ? { quarantined } : {}),
    ...(quarantinedBySplit ? { quarantinedBySplit } : {}),
    ...(decodedBy ? { decodedBy } : {}),
  };
}

/** A recorded sample with its labels and split as they are compared today; sets of earlier versions wrote them as they came. */
function inOurWords(sample: IndexedSample): IndexedSample {
  const split = splitNamed(sample.split);
  return { ...sample, labels: sample.labels.map(sameLabel), ...(split === undefined ? {} : { split }) };
}

/** What `prepare` measured over a set, split by split; undefined for other shards. */
export async function measuredBySplit(
  where: string | readonly string[],
  options: RemoteOptions = {},
): Promise<SumsBySplit | undefined> {
  return typeof where === "string" ? (await summaryOf(where, options))?.logMel?.bySplit : undefined;
}

async function summaryOf(where: string, options: RemoteOptions): Promise<SetSummary | undefined> {
  const name = placeIn(where, "dataset.json");
  const value = await readJson(name, options);
  return value && readSummary(value, name);
}

const isRemote = (name: string): boolean => /^(https?|s3):\/\//.test(name);
const placeIn = (folder: string, name: string): string =>
  isRemote(folder) ? `${folder.replace(/\/+$/, "")}/${name}` : join(folder, name);

const sourceOf = (name: string, options: RemoteOptions): ByteSource =>
  isRemote(name) ? openRemote(name, options) : fileSource(name);

async function listTars(folder: string): Promise<string[]> {
  if (isRemote(folder)) {
    throw new KdcError({
      where: folder,
      what: "there is no dataset.json, and a web folder cannot be listed",
      remedy: "Upload the whole folder that prepare made, or give a list of .tar addresses",
      reason: "no-shards",
    });
  }
  try {
    if ((await stat(folder)).isFile()) return [folder];
    return (await readdir(folder))
      .filter((name) => name.endsWith(".tar"))
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    throw fileError("read", folder, error);
  }
}

/** A JSON file next to shards; undefined when there is none. */
async function readJson(name: string, options: RemoteOptions): Promise<Readonly<Record<string, unknown>> | undefined> {
  const parts: Uint8Array[] = [];
  const source = sourceOf(name, options);
  let length = 0;
  try {
    for await (const part of source.stream()) {
      length += part.length;
      if (length > jsonLimit) throw tooLong(name);
      parts.push(part);
    }
    return unseal(Buffer.concat(parts).toString(), name);
  } catch (error) {
    if ((error as { reason?: string }).reason === "missing") return undefined;
    throw error;
  } finally {
    await source.close();
  }
}

const tooLong = (where: string): KdcError =>
  new KdcError({
    where,
    what: `it is longer than ${jsonLimit / 2 ** 20} MiB`,
    remedy: "Check whether it is what prepare made; for sets of that size take more shards of fewer clips",
    reason: "bad-set",
  });
