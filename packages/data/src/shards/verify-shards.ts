import { createHash } from "node:crypto";
import { KdcError } from "@kdc-mae/core";
import { sha256OfFile } from "@kdc-mae/core/node";
import type { RemoteOptions } from "./remote-source.js";
import type { Shard } from "./shard-index.js";
import { openShardSet } from "./shard-set.js";

async function sumOf({ source }: Shard, signal?: AbortSignal): Promise<string> {
  if (source.random) return sha256OfFile(source.name, signal);
  const hash = createHash("sha256");
  for await (const piece of source.stream()) {
    signal?.throwIfAborted();
    hash.update(piece);
  }
  return hash.digest("hex");
}

/** @throws KdcError reason `bad-shard` when a shard's bytes are not what its record says; shards without one pass */
export async function expectIntact(shard: Shard, signal?: AbortSignal): Promise<void> {
  if (shard.sha256 === undefined || (await sumOf(shard, signal)) === shard.sha256) return;
  throw new KdcError({
    where: shard.source.name,
    what: "its bytes are not what was prepared: its SHA-256 differs",
    remedy: "Run the same kdc-mae prepare again, which makes this shard again, or fetch it again",
    reason: "bad-shard",
  });
}

/** How many shards {@link verifyShards} looked at, and how many of them say a checksum. */
export type Verified = { readonly shards: number; readonly checked: number };

/**
 * Reads every shard of a set and compares its SHA-256 with what was prepared.
 *
 * @param where what `openShardSet` takes
 * @throws KdcError reason `bad-shard` for the first that differs, and those of reading
 */
export async function verifyShards(
  where: string | readonly string[],
  options: {
    readonly remote?: RemoteOptions;
    readonly signal?: AbortSignal;
    readonly onProgress?: (done: number, total: number) => void;
  } = {},
): Promise<Verified> {
  const set = await openShardSet(where, options.remote);
  try {
    for (const [done, shard] of set.shards.entries()) {
      options.onProgress?.(done, set.shards.length);
      await expectIntact(shard, options.signal);
    }
    options.onProgress?.(set.shards.length, set.shards.length);
    const checked = set.shards.filter(({ sha256 }) => sha256 !== undefined).length;
    return { shards: set.shards.length, checked };
  } finally {
    await set.close();
  }
}

/** Watches over shards while they are used. */
export type ShardWatch = {
  /** Begins to look at every shard once, unless that is under way. */
  begin(): void;
  /** @throws KdcError what was found, if anything was */
  expectNothingFound(): void;
  stop(): Promise<void>;
};

/** Looks at shards on this machine's disk in the background, one after the other; remote ones would be fetched twice. */
export function watchShards(shards: readonly Shard[]): ShardWatch {
  const own = shards.filter(({ source, sha256 }) => source.random && sha256 !== undefined);
  const ending = new AbortController();
  let found: unknown;
  let under: Promise<void> | undefined;
  const look = async () => {
    for (const shard of own) await expectIntact(shard, ending.signal);
  };
  return {
    begin() {
      under ??= look()
        .catch((error) => {
          if (!ending.signal.aborted) found ??= error;
        })
        .finally(() => {
          under = undefined;
        });
    },
    expectNothingFound() {
      if (found !== undefined) throw found;
    },
    async stop() {
      ending.abort();
      await under;
    },
  };
}
