import { KdcError } from "@kdc-mae/core";
import { recordingIn } from "../manifest/named-recording.js";
import type { PassOver } from "../manifest/passed-over.js";
import type { ByteSource } from "./byte-source.js";
import { isPictureField, isStray, longestJson, readNotes, splitName } from "./sample-notes.js";
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
  /** The recording it is a part of, where it is one. */
  readonly recording?: string;
};

/** One shard and what is in it; its SHA-256 where it is known. */
export type Shard = {
  readonly source: ByteSource;
  readonly samples: readonly IndexedSample[];
  readonly sha256?: string;
};

/**
 * Bytes of one sample, which is read whole: an hour of sound at 48 kHz in 32 bits is 0.7 GB, and 200 million pixels as
 * PPM are 0.6 GB.
 */
export const longestSample = 2 ** 30;

type Found = { key: string; offset: number; bytes: number; json?: Uint8Array; cls?: Uint8Array; fields: string[] };

/**
 * Finds the samples of a shard that has no index, by reading it through once as a stream. Members that are no samples'
 * (such as macOS's `._name`) and samples without sound, pictures or notes are passed over and told of.
 *
 * @throws KdcError reason `bad-tar`
 */
export async function scanShard(
  chunks: AsyncIterable<Uint8Array>,
  where: string,
  passOver: PassOver = () => undefined,
): Promise<IndexedSample[]> {
  const samples: IndexedSample[] = [];
  let found: Found | undefined;
  const close = () => {
    if (found !== undefined) samples.push(...described(found, where, passOver));
    found = undefined;
  };
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
    const name = named ?? header.name;
    const { key, field } = splitName(name);
    const notes = (field === "json" || field === "cls") && header.size <= longestJson;
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
    if (header.kind === "file" && isStray(name)) passOver("stray file in a tar", `${where}: ${name}`);
    else if (header.kind === "file") {
      if (found?.key !== key) {
        close();
        found = { key, offset: start, bytes: 0, fields: [] };
      }
      found.bytes = at - found.offset;
      // Of a sample that is passed over for its length no more is kept.
      if (found.bytes <= longestSample) found.fields.push(field.toLowerCase());
      if (field === "json") found.json = body?.subarray(0, header.size);
      if (field === "cls") found.cls = body?.subarray(0, header.size);
    }
    [start, named] = [undefined, undefined];
  }
  close();
  return samples;
}

/** A sample as the index keeps it; nothing, and told of, when it cannot be used. */
function described({ key, offset, bytes, json, cls, fields }: Found, where: string, passOver: PassOver) {
  if (bytes > longestSample) {
    passOver(`sample in a tar of more than ${longestSample / 2 ** 30} GiB`, `${where}: ${key}`);
    return [];
  }
  const notes = json === undefined && cls === undefined ? undefined : readNotes(key, json, cls);
  const lacks = [
    ...(fields.includes("wav") ? [] : ["wav"]),
    ...(fields.some(isPictureField) ? [] : ["picture"]),
    ...(notes === undefined ? ["json that can be read"] : []),
  ];
  if (notes === undefined || lacks.length > 0) {
    passOver(`sample in a tar without ${lacks.join(", ")}`, `${where}: ${key} (${[...new Set(fields)].join(", ")})`);
    return [];
  }
  const { id, labels, split, source, columns } = notes;
  const from = recordingIn({ ...source, columns });
  // Others' notes may say anything of where a sample came from.
  const recording = typeof from === "string" ? from : undefined;
  return [
    { key, offset, bytes, id, labels, ...(split === undefined ? {} : { split }), ...(recording && { recording }) },
  ];
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
