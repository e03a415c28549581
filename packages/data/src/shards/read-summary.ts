import { KdcError } from "@kdc-mae/core";
import type { SumsBySplit } from "../prepare/log-mel-sums.js";
import { type IndexedSample, longestSample } from "./shard-index.js";

/** What reading takes from a set's `dataset.json`. */
export type SetSummary = {
  readonly tars: readonly string[];
  /** Mean and standard deviation of padded log-mel. */
  readonly logMel?: { readonly mean: number; readonly std: number; readonly bySplit?: SumsBySplit };
  readonly quarantined?: Readonly<Record<string, number>>;
  /** The same by split, `none` for those that name none; absent in sets of earlier versions. */
  readonly quarantinedBySplit?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What decoded its clips, such as `ffmpeg 7.0.2`; several where that changed. */
  readonly decodedBy?: readonly string[];
};

/** What reading takes from the record beside a shard. */
export type ReadRecord = {
  readonly samples: readonly IndexedSample[];
  readonly bytes?: number;
  readonly sha256?: string;
};

type Loose = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Loose =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const areCounts = (value: unknown): value is Readonly<Record<string, number>> =>
  isObject(value) && Object.values(value).every(isCount);
const isText = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => Number.isFinite(value);

const refuse = (where: string, what: string): never => {
  const remedy = "Run the same kdc-mae prepare again, which mends what is damaged, or fetch it again";
  throw new KdcError({ where, what, remedy, reason: "bad-set" });
};

/** A plain file name that a set may name: nothing outside its folder. */
const isTarName = (name: unknown): name is string =>
  isText(name) && /^[^/\\\0]+\.tar$/.test(name) && name !== ".tar" && !name.startsWith("..");

/**
 * Checks what a `dataset.json` says.
 *
 * @throws KdcError reason `bad-set`, naming the key that is wrong
 */
export function readSummary(value: Loose, where: string): SetSummary {
  const { shards, logMel, quarantined, quarantinedBySplit, decodedBy } = value;
  if (!Array.isArray(shards)) return refuse(where, "it lists no shards");
  const tars = shards.map((shard: unknown, at): string => {
    const tar = isObject(shard) ? shard.tar : undefined;
    return isTarName(tar) ? tar : refuse(where, `shards[${at}].tar does not name a .tar file beside it`);
  });
  if (logMel !== undefined && !(isObject(logMel) && isNumber(logMel.mean) && isNumber(logMel.std) && logMel.std > 0))
    return refuse(where, "logMel does not give a mean and a standard deviation above 0");
  if (quarantined !== undefined && !areCounts(quarantined)) return refuse(where, "quarantined is not a list of counts");
  if (
    quarantinedBySplit !== undefined &&
    !(isObject(quarantinedBySplit) && Object.values(quarantinedBySplit).every(areCounts))
  )
    return refuse(where, "quarantinedBySplit is not a list of counts for every split");
  return {
    tars,
    ...(logMel ? { logMel: { mean: Number(logMel.mean), std: Number(logMel.std), ...sumsIn(logMel.bySplit) } } : {}),
    ...(quarantined ? { quarantined } : {}),
    ...(quarantinedBySplit ? { quarantinedBySplit: quarantinedBySplit as SetSummary["quarantinedBySplit"] } : {}),
    ...(Array.isArray(decodedBy) && decodedBy.every(isText) ? { decodedBy } : {}),
  };
}

/** Sums by split, where they are there and whole. */
function sumsIn(value: unknown): { readonly bySplit?: SumsBySplit } {
  const whole =
    isObject(value) &&
    Object.values(value).every(
      (sums) => isObject(sums) && isCount(sums.clips) && [sums.values, sums.sum, sums.squares].every(isNumber),
    );
  return whole ? { bySplit: value as SumsBySplit } : {};
}

/**
 * Checks what the record beside a shard says.
 *
 * @returns undefined when it is somebody else's file
 * @throws KdcError reason `bad-set`, naming the sample that is wrong
 */
export function readRecord(value: Loose, where: string): ReadRecord | undefined {
  const { samples, bytes, sha256 } = value;
  if (!Array.isArray(samples)) return undefined;
  if (bytes !== undefined && !isCount(bytes)) return refuse(where, "bytes is not a length");
  const end = bytes ?? Number.MAX_SAFE_INTEGER;
  for (const [at, sample] of samples.entries()) {
    const fits =
      isObject(sample) &&
      isText(sample.key) &&
      isText(sample.id) &&
      (sample.split === undefined || isText(sample.split)) &&
      (sample.crc === undefined || isCount(sample.crc)) &&
      Array.isArray(sample.labels) &&
      sample.labels.every(isText) &&
      isCount(sample.offset) &&
      isCount(sample.bytes) &&
      sample.bytes <= longestSample &&
      sample.offset + sample.bytes <= end;
    if (!fits)
      return refuse(
        where,
        `samples[${at}] is not a sample within the shard, of at most ${longestSample / 2 ** 30} GiB`,
      );
  }
  return {
    samples: samples as readonly IndexedSample[],
    ...(bytes === undefined ? {} : { bytes }),
    ...(isText(sha256) && /^[0-9a-f]{64}$/.test(sha256) ? { sha256 } : {}),
  };
}
