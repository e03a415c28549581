import { createHash } from "node:crypto";
import type { ManifestItem } from "../manifest/manifest-item.js";
import type { Beyond } from "../media/seconds-beyond.js";
import { unseal } from "../shards/sealed-json.js";
import type { IndexedSample } from "../shards/shard-index.js";
import type { LogMelSums, SumsBySplit } from "./log-mel-sums.js";

/** A clip that could not be used: where it failed and why. */
export type Quarantined = {
  readonly id: string;
  readonly file: string;
  /** The split it names, `none` where it names none; absent in sets of earlier versions. */
  readonly split?: string;
  readonly stage: "admit" | "decode" | "pack";
  readonly reason: string;
  readonly message: string;
  /** What ffmpeg said last. */
  readonly ffmpeg?: string;
};

/** What is written beside every shard, before the shard gets its name. */
export type ShardRecord = {
  readonly format: 1;
  readonly tar: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Of the manifest's items that this shard was made of. */
  readonly items: string;
  readonly samples: readonly IndexedSample[];
  readonly quarantined: readonly Quarantined[];
  readonly logMel: LogMelSums;
  /** What decoded it, such as `ffmpeg 7.0.2`; absent in sets of earlier versions. */
  readonly decodedBy?: string;
  /** Of clips longer than what is kept of one; absent where there are none. */
  readonly beyond?: Beyond;
  /** Absent in sets of earlier versions. */
  readonly logMelBySplit?: SumsBySplit;
};

export const shardName = (number: number): string => `shard-${String(number).padStart(6, "0")}`;

/** A key that sorts as the manifest does, is unique, and has no character that tar or WebDataset minds. */
export const sampleKey = (index: number, id: string): string =>
  `${String(index).padStart(8, "0")}_${id.replace(/[^A-Za-z0-9_-]+/g, "_").slice(-60)}`;

/** Tells whether a shard was made of these very items. */
export const hashItems = (items: readonly ManifestItem[]): string =>
  createHash("sha256").update(JSON.stringify(items)).digest("hex").slice(0, 32);

/** A record from its text; undefined when it is none, or damaged. */
export function parseRecord(text: string | undefined): ShardRecord | undefined {
  if (text === undefined) return undefined;
  try {
    const record = unseal(text, "record") as unknown as ShardRecord;
    return record.format === 1 && Array.isArray(record.samples) ? record : undefined;
  } catch {
    return undefined;
  }
}
