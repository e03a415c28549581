import { once } from "node:events";
import type { Writable } from "node:stream";
import { countOutput, generalOptions, pipedInput } from "../media/command.js";
import { type Facts, factsOf } from "../media/ffmpeg/facts.js";
import { listedInputs } from "../media/ffmpeg/inputs.js";
import { lastError } from "../media/ffmpeg/log.js";
import { readPackets } from "../media/ffmpeg/packets.js";
import { mediaError, withLastLines } from "../media/media-error.js";
import { startFfmpeg } from "./running-ffmpeg.js";

/** Bytes as they come, such as `process.stdin`. */
export type ByteSource = AsyncIterable<Uint8Array>;

/** A stream whose beginning has been looked at. */
export type PipedMedia = {
  readonly facts: Facts;
  /** What has come of it already, and what follows. */
  readonly head: readonly Uint8Array[];
  next(): Promise<IteratorResult<Uint8Array>>;
  /** Nobody wants more. */
  release(): Promise<void>;
};

/** So much of it is looked at, to see when sound and pictures begin, seconds. */
const counted = 1;
/** Most bytes that are read before ffmpeg must know what they are; it decides by 5 MB of its own. */
const mostHead = 64 * 2 ** 20;

/**
 * Gives the beginning of a stream to an ffmpeg of its own, which says what is in it, and keeps it for the one that decodes.
 *
 * @throws KdcError (`not-media`, `undecodable`, `aborted`) for what ffmpeg cannot read from a pipe
 */
export async function lookIntoPipe(
  ffmpeg: string,
  path: string,
  source: ByteSource,
  signal: AbortSignal | undefined,
): Promise<PipedMedia> {
  const bytes = source[Symbol.asyncIterator]();
  const args = [...generalOptions("look"), ...pipedInput(), ...countOutput(0, counted), "pipe:1"];
  const looking = startFfmpeg(ffmpeg, args, { path, outputs: 1, signal, fed: true });
  const input = looking.input!;
  input.on("error", () => undefined);
  const packets: Uint8Array[] = [];
  const look = async () => {
    for (;;) {
      const next = await looking.next();
      if (next === undefined) return looking.end();
      if (next.bytes) packets.push(next.bytes);
    }
  };
  const ended = look();
  ended.catch(() => undefined);
  const head: Uint8Array[] = [];
  let held = 0;
  let pending: Promise<IteratorResult<Uint8Array>> | undefined;
  for (;;) {
    pending ??= bytes.next();
    const got = await Promise.race([pending, ended.then(() => undefined)]);
    if (got === undefined) break;
    if (got.done) {
      input.end();
      break;
    }
    pending = undefined;
    head.push(got.value);
    held += got.value.length;
    if (held > mostHead) {
      looking.stop();
      throw mediaError(
        path,
        "not-media",
        `${mostHead / 2 ** 20} MB of it do not say; an MP4 may have its index at its end`,
      );
    }
    if (!input.write(got.value)) await Promise.race([once(input, "drain").catch(() => undefined), ended]);
  }
  const { log, exitCode } = await ended;
  const [listed] = listedInputs(log);
  if (!listed) throw withLastLines(mediaError(path, "not-media", lastError(log)), log);
  const facts = factsOf({
    ...{ listed, counted: exitCode === 0 ? readPackets(Buffer.concat(packets)) : undefined },
    ...{ whole: false, turns: [], raw: false, cutShort: false },
  });
  const waiting = [pending].filter((one) => one !== undefined);
  return {
    ...{ head, facts },
    next: () => waiting.shift() ?? bytes.next(),
    async release() {
      // A source that waits for its sender would not let go before it is sent something.
      void bytes.return?.()?.catch(() => undefined);
    },
  };
}

/** Writes all of a stream to a program, as fast as that reads, until either ends. */
export async function feed(input: Writable, media: Pick<PipedMedia, "head" | "next">): Promise<void> {
  let isOpen = true;
  const closed = once(input, "close").catch(() => undefined);
  input.on("error", () => {
    isOpen = false;
  });
  void closed.then(() => {
    isOpen = false;
  });
  const write = async (bytes: Uint8Array) => {
    if (isOpen && !input.write(bytes)) await Promise.race([once(input, "drain").catch(() => undefined), closed]);
  };
  for (const bytes of media.head) await write(bytes);
  while (isOpen) {
    const { done, value } = await media.next().catch(() => ({ done: true, value: undefined }));
    if (done || value === undefined) break;
    await write(value);
  }
  if (isOpen) input.end();
}
