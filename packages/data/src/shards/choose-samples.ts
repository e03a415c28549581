import { KdcError } from "@kdc-mae/core";
import type { DealSplits } from "../dataset/deal-from.js";
import { dealSplits } from "../dataset/deal-splits.js";
import type { ClassLabels } from "../manifest/class-labels.js";
import type { PassOver } from "../manifest/passed-over.js";
import { takeLabels } from "../manifest/take-labels.js";
import type { IndexedSample, Shard } from "./shard-index.js";

/** Which samples of a set are taken, and how those that name no split are dealt. */
export type ShardChoice = {
  /** Only samples with one of these labels, and of their labels only these. */
  readonly only?: ClassLabels;
  /** Deals the samples that name no split; those of one recording stay together. */
  readonly splitBy?: DealSplits;
};

/** @throws KdcError when samples are to be dealt and all name their split */
export function chosenFrom(
  shards: readonly Shard[],
  { only, splitBy }: ShardChoice,
  passOver: PassOver,
): readonly Shard[] {
  const taken =
    only === undefined
      ? shards
      : shards.map((shard) => ({
          ...shard,
          samples: shard.samples.flatMap((sample) => takeLabels(sample, only, passOver) ?? []),
        }));
  return splitBy === undefined ? taken : dealt(taken, splitBy);
}

const unitOf = ({ recording, id }: IndexedSample): string => recording ?? id;

function dealt(shards: readonly Shard[], splitBy: DealSplits): readonly Shard[] {
  const named = new Map<string, string>();
  const units = new Map<string, string>();
  for (const { samples } of shards) {
    for (const sample of samples) {
      if (sample.split !== undefined) named.set(unitOf(sample), sample.split);
      else if (!units.has(unitOf(sample))) units.set(unitOf(sample), sample.labels[0] ?? "");
    }
  }
  if (units.size === 0 && named.size > 0) {
    throw new KdcError({
      where: "shards",
      what: "every clip names its split already, so there is nothing to share out",
      remedy: "Leave --split-by (data.splitBy) out",
      reason: "option",
    });
  }
  const free = [...units].filter(([name]) => !named.has(name)).map(([name, label]) => ({ name, label }));
  const splits = new Map<string, string>([...named, ...dealSplits(free, splitBy)]);
  return shards.map((shard) => ({
    ...shard,
    samples: shard.samples.map((sample) => ({ ...sample, split: sample.split ?? splits.get(unitOf(sample)) })),
  }));
}
