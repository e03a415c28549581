import { type Beyond, nothingBeyond } from "../media/seconds-beyond.js";
import { addBySplit, addSums, type LogMelStatistics, noSums, type SumsBySplit, statisticsOf } from "./log-mel-sums.js";
import type { PreparedContent } from "./options.js";
import { melBins, spectrogramFrames } from "./pack-clip.js";
import type { ShardRecord } from "./shard-record.js";

/** What a prepared set holds: the content of its `dataset.json`. */
export type DatasetSummary = {
  readonly format: 1;
  readonly content: PreparedContent;
  readonly samples: number;
  readonly bytes: number;
  readonly shards: readonly {
    readonly tar: string;
    readonly index: string;
    readonly samples: number;
    readonly bytes: number;
  }[];
  /** What decoded its clips; more than one where it was gone on with under another. */
  readonly decodedBy?: readonly string[];
  /** How many clips were left out, by reason. */
  readonly quarantined: Readonly<Record<string, number>>;
  /** The same by split, `none` for those that name none. */
  readonly quarantinedBySplit: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Of clips longer than what is kept of one. */
  readonly beyond: Beyond;
  /** Log-mel values: over spectrograms padded to 1024 frames, as models are normalised, and over the bare ones. */
  readonly logMel: LogMelStatistics & { readonly unpadded: LogMelStatistics; readonly bySplit?: SumsBySplit };
  readonly splits: Readonly<Record<string, number>>;
  /** Clips per class, in all and by split. */
  readonly classes: Readonly<Record<string, Readonly<Record<string, number>>>>;
};

/** Collects the records of shards, in their order, into a summary. */
export function startSummary(content: PreparedContent) {
  const shards: DatasetSummary["shards"][number][] = [];
  const quarantined = new Map<string, number>();
  const quarantinedBySplit = new Map<string, Map<string, number>>();
  const splits = new Map<string, number>();
  const classes = new Map<string, Map<string, number>>();
  let [samples, bytes, sums] = [0, 0, noSums];
  let bySplit: SumsBySplit | undefined = {};
  const decodedBy = new Set<string>();
  let beyond = nothingBeyond;
  const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  const sorted = <T>(map: Map<string, T>): [string, T][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

  return {
    add(record: ShardRecord): void {
      samples += record.samples.length;
      bytes += record.bytes;
      if (record.decodedBy !== undefined) decodedBy.add(record.decodedBy);
      sums = addSums(sums, record.logMel);
      beyond = {
        clips: beyond.clips + (record.beyond?.clips ?? 0),
        seconds: Math.round(10 * (beyond.seconds + (record.beyond?.seconds ?? 0))) / 10,
      };
      bySplit = bySplit && record.logMelBySplit && addBySplit(bySplit, record.logMelBySplit);
      const index = record.tar.replace(/\.tar$/, ".json");
      shards.push({ tar: record.tar, index, samples: record.samples.length, bytes: record.bytes });
      for (const { reason, split } of record.quarantined) {
        count(quarantined, reason);
        if (split === undefined) continue;
        if (!quarantinedBySplit.has(split)) quarantinedBySplit.set(split, new Map());
        count(quarantinedBySplit.get(split)!, reason);
      }
      for (const { labels, split } of record.samples) {
        const part = split ?? "none";
        count(splits, part);
        for (const label of labels) {
          if (!classes.has(label)) classes.set(label, new Map());
          count(classes.get(label)!, "all");
          count(classes.get(label)!, part);
        }
      }
    },
    finish: (): DatasetSummary => ({
      format: 1,
      content,
      ...(decodedBy.size > 0 ? { decodedBy: [...decodedBy] } : {}),
      samples,
      bytes,
      shards,
      quarantined: Object.fromEntries(sorted(quarantined)),
      quarantinedBySplit: Object.fromEntries(
        sorted(quarantinedBySplit).map(([split, reasons]) => [split, Object.fromEntries(sorted(reasons))]),
      ),
      beyond,
      logMel: {
        ...{ ...statisticsOf(sums, spectrogramFrames * melBins), unpadded: statisticsOf(sums) },
        ...(bySplit === undefined ? {} : { bySplit }),
      },
      splits: Object.fromEntries(sorted(splits)),
      classes: Object.fromEntries(sorted(classes).map(([label, counts]) => [label, Object.fromEntries(counts)])),
    }),
  };
}
