import { KdcError } from "@kdc-mae/core";
import { expectName, longest, longName, readTarHeader, tarBlock, tarSpan } from "./tar.js";

/** Where a sample lies in its shard, and what is needed to plan an epoch without reading it. */
export type IndexedSample = {
  readonly key: string;
  /** Bytes from the beginning of the shard. */
  readonly offset: number;
  readonly bytes: number;
  /** CRC-32 of those bytes, where `prepare` wrote it. */
  readonly crc?: number;
  readonly id: string;
  readonly labels: readonly string[];
  readonly split?: string;
};

/** Bytes of what a sample says about itself; ours say some hundred. */
export const longestJson = 2 ** 20;

/** WebDataset's rule: a sample's key is the name up to the first dot of its last part; the rest says what the file is. */
export function splitName(name: string): { readonly key: string; readonly field: string } {
  const dot = name.indexOf(".", name.lastIndexOf("/") + 1);
  return dot < 0 ? { key: name, field: "" } : { key: name.slice(0, dot), field: name.slice(dot + 1) };
}

/**
 * Finds the samples of a shard that has no index, by reading it through once as a stream.
 *
 * @throws KdcError reason `bad-tar`
 */
export async function scanShard(chunks: AsyncIterable<Uint8Array>, where: string): Promise<IndexedSample[]> {
  const samples: {
    key: string;
    offset: number;
    bytes: number;
    id: string;
    labels: readonly string[];
    split?: string;
  }[] = [];
  const reader = blockReader(chunks);
  let [at, start]: [number, number | undefined] = [0, undefined];
  let named: string | undefined;
  for (;;) {
    const block = await reader.take(tarBlock);
    if (block.length === 0) break;
    const header = readTarHeader(block, where);
    if (!header) break;
    start ??= at;
    const span = tarSpan(header.size) - tarBlock;
    const naming = header.kind === "gnu-name" || header.kind === "pax";
    if (naming) expectName(where, header.size, longest.record);
    const notes = splitName(named ?? header.name).field === "json" && header.size <= longestJson;
    const body = naming || notes ? await reader.take(span) : await reader.skip(span);
    if (reader.ended)
      throw new KdcError({
        where,
        what: "it is cut short",
        remedy: "Fetch or make the shard again",
        reason: "bad-tar",
      });
    at += tarBlock + span;
    if (header.kind === "gnu-name" || header.kind === "pax") {
      named = longName(header.kind, body!.subarray(0, header.size), where) ?? named;
      continue;
    }
    if (header.kind === "file") {
      const { key, field } = splitName(named ?? header.name);
      if (samples.at(-1)?.key !== key) samples.push({ key, offset: start, bytes: 0, id: key, labels: [] });
      const sample = samples.at(-1)!;
      sample.bytes = at - sample.offset;
      if (field === "json" && body) Object.assign(sample, described(body.subarray(0, header.size), key));
    }
    [start, named] = [undefined, undefined];
  }
  return samples;
}

/** What a sample's JSON says about it, as far as it says it in our words. */
function described(json: Uint8Array, key: string): Pick<IndexedSample, "id" | "labels" | "split"> {
  try {
    const { id, labels, label, split } = JSON.parse(new TextDecoder().decode(json));
    const all = Array.isArray(labels) ? labels : label === undefined ? [] : [label];
    return {
      id: typeof id === "string" ? id : key,
      labels: all.map(String),
      ...(typeof split === "string" ? { split } : {}),
    };
  } catch {
    return { id: key, labels: [] };
  }
}

/** Takes or skips exact numbers of bytes from a stream of chunks of any size. */
function blockReader(chunks: AsyncIterable<Uint8Array>) {
  const source = chunks[Symbol.asyncIterator]();
  let held: Uint8Array = new Uint8Array(0);
  const state = {
    ended: false,
    async take(length: number): Promise<Uint8Array> {
      const parts: Uint8Array[] = [];
      const left = await walk(length, (part) => parts.push(part));
      if (left > 0 && left < length) state.ended = true;
      return Buffer.concat(parts);
    },
    async skip(length: number): Promise<undefined> {
      if ((await walk(length, () => undefined)) > 0) state.ended = true;
    },
  };
  const walk = async (length: number, each: (part: Uint8Array) => void): Promise<number> => {
    let left = length;
    while (left > 0) {
      if (held.length === 0) {
        const { done, value } = await source.next();
        if (done) return left;
        held = value;
        continue;
      }
      const part = held.subarray(0, left);
      each(part);
      held = held.subarray(part.length);
      left -= part.length;
    }
    return 0;
  };
  return state;
}
