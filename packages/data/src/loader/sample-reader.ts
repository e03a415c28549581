import { KdcError } from "@kdc-mae/core";
import { crc32 } from "@kdc-mae/core/node";
import type { IndexedSample, Shard } from "../shards/shard-index.js";

/** Gives the bytes of one sample of a shard, by its number there. */
export type SampleReader = { read(sample: number): Promise<Uint8Array>; close(): Promise<void> };

/** A gap in a stream that is worth a new request instead of reading through it, bytes. */
const widestGap = 2 ** 23;

/**
 * Reads samples of a shard. On a disk each is read where it lies. A remote shard is read once, front to back: samples
 * that come by before they are asked for are held (the plan's buffer bounds how many), and those that nobody will ask
 * for are passed over.
 *
 * @param wanted numbers of the samples that will be read, repeated as often
 */
export function readerOf(shard: Shard, wanted: Iterable<number>): SampleReader {
  const { source, samples } = shard;
  const direct = async (sample: number): Promise<Uint8Array> => {
    const { offset, bytes } = samples[sample];
    return whole(await source.read(offset, bytes), samples[sample], source.name);
  };
  if (source.random) return { read: direct, close: async () => undefined };

  const uses = new Map<number, number>();
  for (const sample of wanted) uses.set(sample, (uses.get(sample) ?? 0) + 1);
  const coming = [...uses.keys()].sort((a, b) => samples[a].offset - samples[b].offset);
  const held = new Map<number, Uint8Array>();
  let [next, at] = [0, 0];
  let chunks: AsyncIterator<Uint8Array> | undefined;
  let rest: Uint8Array = new Uint8Array(0);
  let turn: Promise<unknown> = Promise.resolve();

  /** Reads the next wanted sample of the stream and holds it. */
  const advance = async (): Promise<void> => {
    const sample = coming[next++];
    const { offset, bytes } = samples[sample];
    if (!chunks || offset - at > widestGap) {
      await chunks?.return?.();
      chunks = source.stream(offset)[Symbol.asyncIterator]();
      [at, rest] = [offset, new Uint8Array(0)];
    }
    const taken: Uint8Array[] = [];
    while (at < offset + bytes) {
      if (rest.length === 0) {
        const { done, value } = await chunks.next();
        if (done) break;
        rest = value;
      }
      const length = Math.min(rest.length, at < offset ? offset - at : offset + bytes - at);
      if (at >= offset) taken.push(rest.subarray(0, length));
      [at, rest] = [at + length, rest.subarray(length)];
    }
    held.set(sample, whole(Buffer.concat(taken), samples[sample], source.name));
  };
  const take = async (sample: number): Promise<Uint8Array> => {
    const left = uses.get(sample) ?? 0;
    while (left > 0 && !held.has(sample) && next < coming.length) await advance();
    const bytes = held.get(sample);
    if (!bytes) return direct(sample);
    uses.set(sample, left - 1);
    if (left === 1) held.delete(sample);
    return bytes;
  };
  return {
    read: (sample) => {
      const result = turn.then(() => take(sample));
      turn = result.catch(() => undefined);
      return result;
    },
    close: async () => {
      await turn;
      await chunks?.return?.();
    },
  };
}

/** A sample's bytes when they match their checksums. */
function whole(bytes: Uint8Array, sample: IndexedSample, where: string): Uint8Array {
  const { length } = bytes;
  if (length === sample.bytes && (sample.crc === undefined || crc32(bytes) === sample.crc)) return bytes;
  throw new KdcError({
    where: `${where}, sample ${sample.key}`,
    what:
      length === sample.bytes
        ? "its bytes are not what was prepared: its checksum does not match"
        : `it is cut short: ${length} bytes of ${sample.bytes}`,
    remedy: "Run the same kdc-mae prepare again, which makes a damaged shard again, or fetch the shard again",
    reason: "bad-tar",
  });
}
