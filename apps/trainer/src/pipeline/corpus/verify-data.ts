import { KdcError } from "@kdc-mae/core";
import { verifyShards } from "@kdc-mae/data/node";
import type { CheckedExperiment } from "../experiment/schema.js";
import { environmentOf, type Surroundings } from "../surroundings.js";
import { remoteAccess } from "./remote-access.js";

type Sources = readonly (CheckedExperiment["data"] | undefined)[];

const shardsIn = (sources: Sources) => new Set(sources.flatMap((data) => (data?.kind === "shards" ? [data.path] : [])));

/** @throws KdcError (`usage`) where no data are shards, so that there is nothing to verify */
export function expectShards(sources: Sources): void {
  if (shardsIn(sources).size > 0) return;
  throw new KdcError({
    where: "--verify",
    what: "it reads prepared shards, and the experiment's data are not shards",
    remedy: "Leave it out, or prepare the data first (kdc-mae prepare) and give data.kind=shards",
    reason: "usage",
  });
}

/**
 * Compares the SHA-256 of every shard that data name with what was prepared, before anything begins.
 *
 * @throws KdcError reason `bad-shard` for the first that differs; `usage` when no data are shards
 */
export async function verifyData(sources: Sources, around: Surroundings): Promise<void> {
  expectShards(sources);
  for (const path of shardsIn(sources)) {
    const { shards, checked } = await verifyShards(path, {
      remote: remoteAccess(environmentOf(around)),
      signal: around.signal,
      onProgress: (done, total) => around.onProgress?.({ stage: "verify", unit: "shards", done, total }),
    });
    around.onNote?.(`verify: ${checked} of ${shards} shards of ${path} match their checksums`);
  }
}
