import { createHash } from "node:crypto";
import { join } from "node:path";
import { beginFile, crc32, type FileSystem, type PendingFile, writeWhole } from "@kdc-mae/core/node";
import { addBeyond, nothingBeyond } from "../media/seconds-beyond.js";
import { seal } from "../shards/sealed-json.js";
import type { IndexedSample } from "../shards/shard-index.js";
import { tarEnd } from "../shards/tar.js";
import { addBySplit, addSums, noSums, type SumsBySplit } from "./log-mel-sums.js";
import type { PackedClip } from "./pack-clip.js";
import { type Quarantined, type ShardRecord, shardName } from "./shard-record.js";

/** What became of one item. */
export type Outcome =
  | {
      readonly sample: Omit<IndexedSample, "offset" | "bytes" | "crc">;
      readonly packed: PackedClip /** Seconds of the clip beyond what is kept of one. */;
      readonly beyond?: number;
    }
  | { readonly quarantined: Quarantined };

/** A shard under way. */
export type ShardWriter = {
  add(outcome: Outcome): Promise<void>;
  /** Writes the record, then gives the shard its name: a shard with its name is whole and has its record. */
  finish(): Promise<ShardRecord>;
  discard(): Promise<void>;
};

/** Begins shard `number`, made of items with this hash, decoded by `decodedBy`. */
export async function writeShard(
  folder: string,
  number: number,
  items: string,
  files: FileSystem,
  decodedBy?: string,
): Promise<ShardWriter> {
  const name = shardName(number);
  const file: PendingFile = await beginFile(join(folder, `${name}.tar`), files);
  const hash = createHash("sha256");
  const samples: IndexedSample[] = [];
  const quarantined: Quarantined[] = [];
  let [bytes, logMel] = [0, noSums];
  let logMelBySplit: SumsBySplit = {};
  let beyond = nothingBeyond;
  const append = async (piece: Uint8Array) => {
    hash.update(piece);
    await file.write(piece);
    bytes += piece.length;
  };
  return {
    async add(outcome) {
      if ("quarantined" in outcome) {
        quarantined.push(outcome.quarantined);
        return;
      }
      const { tar, sums } = outcome.packed;
      samples.push({ ...outcome.sample, offset: bytes, bytes: tar.length, crc: crc32(tar) });
      logMel = addSums(logMel, sums);
      beyond = addBeyond(beyond, outcome.beyond ?? 0);
      logMelBySplit = addBySplit(logMelBySplit, { [outcome.sample.split ?? "none"]: sums });
      await append(tar);
    },
    async finish() {
      await append(tarEnd);
      const sha256 = hash.digest("hex");
      const record: ShardRecord = {
        ...{ format: 1, tar: `${name}.tar`, bytes, sha256, items, samples, quarantined },
        ...(decodedBy === undefined ? {} : { decodedBy }),
        ...{ logMel, logMelBySplit, ...(beyond.clips > 0 ? { beyond } : {}) },
      };
      await writeWhole(join(folder, `${name}.json`), seal(record), files);
      await file.finish();
      return record;
    },
    discard: () => file.discard(),
  };
}
