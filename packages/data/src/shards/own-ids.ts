import { KdcError } from "@kdc-mae/core";
import { nameLedger } from "../manifest/one-id-one-clip.js";
import type { Shard } from "./shard-index.js";

/**
 * An id names one clip: one that is only its sample's key, which other tars of a set may have too, is led by its tar's
 * name where it comes again.
 *
 * @throws KdcError naming both places of an id that is written twice
 */
export function withOwnIds(shards: readonly Shard[]): readonly Shard[] {
  const known = nameLedger();
  return shards.map((shard, number) => {
    const stem = shard.source.name.replace(/^.*\//, "").replace(/\.tar$/, "");
    const samples = shard.samples.map((sample) => {
      const before = known(sample.id, number);
      if (before === undefined) return sample;
      const id = `${stem}/${sample.key}`;
      if (sample.id === sample.key && known(id, number) === undefined) return { ...sample, id };
      throw new KdcError({
        where: `${shard.source.name}, sample ${sample.key}`,
        what: `its id ${JSON.stringify(sample.id)} is that of a sample of ${shards[before].source.name} too`,
        remedy: "Give each clip an id of its own; a list without the column id gets them by path, prepared again",
        reason: "bad-sample",
      });
    });
    return { ...shard, samples };
  });
}
