import { Readable, type Writable } from "node:stream";
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
  /** Nobody wants more: the source is told so, and not waited for. */
  release(): void;
};

/** So much of it is looked at, to see when sound and pictures begin, seconds. */
const counted = 1;
/** Most bytes that are read before ffmpeg must know what they are; it decides by 5 MB of its own. */
const mostHead = 64 * 2 ** 20;

/**
 * Gives the beginning of a stream to an ffmpeg of its own, which says what is in it, and keeps it for the one that decodes.
 *
 * Where it fails, the source is released.
 *
 * @throws KdcError (`not-media`, `undecodable`, `aborted`) for what ffmpeg cannot read from a pipe; what the source
 *   throws before ffmpeg knows what it is, later failures being left to `next`
 */
export async function lookIntoPipe(
  ffmpeg: string,
  path: string,
  source: ByteSource,
  signal: AbortSignal | undefined,
): Promise<PipedMedia> {
  const bytes = source[Symbol.asyncIterator]();
  const release = () => {
    // A source that waits for its sender would not let go before it is sent something, unless it is destroyed.
    if (source instanceof Readable) source.destroy();
    else void (async () => bytes.return?.())().catch(() => undefined);
  };
  const args = [...generalOptions("look"), ...pipedInput(), ...countOutput(0, counted), "pipe:1"];
  const looking = startFfmpeg(ffmpeg, args, { path, outputs: 1, signal, fed: true });
  const input = looking.input!;
  const write = writerTo(input);
  const packets: Uint8Array[] = [];
  const look = async () => {
    for (;;) {
      const next = await looking.next();
      if (next === undefined) return looking.end();
      if (next.bytes) packets.push(next.bytes);
    }
  };
  const ended = look();
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  const whenOver = ended.then(over, over);
  const head: Uint8Array[] = [];
  const failures: unknown[] = [];
  let held = 0;
  let pending: Promise<IteratorResult<Uint8Array>> | undefined;
  try {
    while (!isOver) {
      pending ??= bytes.next();
      const got = await Promise.race([pending, whenOver]).catch((error: unknown) => void failures.push(error));
      if (!got || got.done) break;
      pending = undefined;
      head.push(got.value);
      held += got.value.length;
      if (!(await write(got.value))) await whenOver;
      else if (held > mostHead && !isOver) {
        const what = `${mostHead / 2 ** 20} MB of it do not say; an MP4 may have its index at its end`;
        throw mediaError(path, "not-media", what);
      }
    }
    if (!isOver) input.end();
    const { log, exitCode } = await ended;
    const [listed] = listedInputs(log);
    if (!listed && failures.length > 0) throw failures[0];
    if (!listed) throw withLastLines(mediaError(path, "not-media", lastError(log)), log);
    const facts = factsOf({
      ...{ listed, counted: exitCode === 0 ? readPackets(Buffer.concat(packets)) : undefined },
      ...{ whole: false, turns: [], raw: false, cutShort: false },
    });
    const waiting = [pending].filter((one) => one !== undefined);
    return { head, facts, next: () => waiting.shift() ?? bytes.next(), release };
  } catch (error) {
    looking.stop();
    release();
    throw error;
  }
}

/**
 * Writes all of a stream to a program, as fast as that reads, until either ends.
 *
 * @param onFailure told what the source threw, before the program is told that nothing more comes
 */
export async function feed(
  input: Writable,
  media: Pick<PipedMedia, "head" | "next">,
  onFailure: (error: unknown) => void,
): Promise<void> {
  const write = writerTo(input);
  try {
    for (const bytes of media.head) if (!(await write(bytes))) return;
    for (;;) {
      const next = await media.next();
      if (next.done || !(await write(next.value))) break;
    }
  } catch (error) {
    onFailure(error);
  }
  if (input.writable) input.end();
}

/** Writes one piece after another, each when the one before has gone through; false once nobody reads. */
function writerTo(input: Writable): (bytes: Uint8Array) => Promise<boolean> {
  // A listener or a promise's reaction for each piece would stay for as long as a stream goes on.
  let go = () => {};
  for (const event of ["drain", "error", "close"]) input.on(event, () => go());
  return async (bytes) => {
    if (!input.writable) return false;
    input.write(bytes);
    if (input.writableNeedDrain) {
      await new Promise<void>((resolve) => {
        go = resolve;
      });
    }
    return input.writable;
  };
}
