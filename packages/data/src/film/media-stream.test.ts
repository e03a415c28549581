import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import v8 from "node:v8";
import { afterEach, describe, expect, it, vi } from "vitest";
import { encodeWav } from "../media/encode-wav.js";
import { locateFfmpeg } from "../media/locate-ffmpeg.js";
import { runProcess } from "../media/run-process.js";
import { type MediaStreamRequest, readMediaStream } from "./media-stream.js";
import { type ByteSource, feed } from "./piped-media.js";

const packaged = (await locateFfmpeg({ env: {} })).path;
const system = await locateFfmpeg({ env: { PATH: process.env.PATH } });
const programs = [packaged, ...(system.source === "PATH" ? [system.path] : [])];
if (programs.length === 1) console.warn("no system ffmpeg: pipes are read with the packaged one alone");

const sampleRate = 16000;
const wanted: MediaStreamRequest = { sampleRate, size: 32, first: 0.5, every: 1 };
const [piece, megabytes] = [2 ** 20, 96];

/** The beginning of a WAV file of so many bytes of silence, 16-bit mono. */
function wavHeader(bytes: number): Buffer {
  const header = Buffer.from(encodeWav({ samples: new Float32Array(0), sampleRate }));
  header.writeUInt32LE(header.length - 8 + bytes, 4);
  header.writeUInt32LE(bytes, 40);
  return header;
}
/** Silence that is always ready, then what comes after it. */
async function* ready(pieces: number, onReturn = () => {}, last = () => {}) {
  try {
    yield wavHeader(megabytes * piece);
    for (let index = 0; index < pieces; index++) yield Buffer.alloc(piece);
    last();
  } finally {
    onReturn();
  }
}
/** A sender that has sent so much, and says nothing more for now. */
function open(...pieces: Uint8Array[]): PassThrough {
  const source = new PassThrough();
  for (const bytes of pieces) source.write(bytes);
  return source;
}
const failing = () => {
  throw new Error("the cable came out");
};

describe.each(programs)("a pipe through %s", { timeout: 120_000 }, (program) => {
  const follow = async (source: ByteSource, more: Partial<MediaStreamRequest> = {}) => {
    let samples = 0;
    const read = async () => {
      for await (const part of readMediaStream(program, source, { ...wanted, ...more })) {
        if ("sound" in part) samples += part.sound.samples.length;
      }
    };
    const error = await read().catch((error: unknown) => error);
    return { samples, error };
  };
  // What still runs would keep a program from its end.
  const programsLeft = () => process.getActiveResourcesInfo().filter((name) => name === "ProcessWrap").length;
  afterEach(() => vi.waitFor(() => expect(programsLeft()).toBe(0), 60_000));

  it("knows a long WAV that is always ready, in pieces and in one", async () => {
    const whole = [Buffer.concat([wavHeader(megabytes * piece), Buffer.alloc(megabytes * piece)])];
    for (const source of [ready(megabytes), Readable.from(whole)]) {
      const parts = readMediaStream(program, source, wanted);
      expect((await parts.next()).value).toEqual({ ended: "pictures" });
      expect((await parts.next()).value).toHaveProperty("sound");
      await parts.return(undefined);
    }
  });

  it("gives what came before the source failed, then its error", async () => {
    const { samples, error } = await follow(ready(12, undefined, failing));
    expect(error).toEqual(new Error("the cable came out"));
    expect(samples).toBe((12 * piece) / 2);
    // Before ffmpeg has seen what it is, too.
    const short = await follow(ready(1, undefined, failing));
    expect(short).toEqual({ samples: piece / 2, error });
    const none = new Readable({ read: () => void none.destroy(new Error("the cable came out")) });
    expect(await follow(none)).toEqual({ samples: 0, error });
  });

  it("lets go of the source and of ffmpeg, whatever was wrong", async () => {
    const noise = Buffer.alloc(8 * piece, "no film ");
    const wav = [wavHeader(megabytes * piece), Buffer.alloc(8 * piece)];
    const stopping = new AbortController();
    for (const [source, reason, more] of [
      [open(noise), "not-media"],
      [open(...wav), "no-video", { only: "pictures" }],
      [open(), "aborted", { signal: stopping.signal }],
    ] as const) {
      const following = follow(source, more);
      if (reason === "aborted") stopping.abort();
      expect((await following).error).toMatchObject({ reason });
      expect([reason, source.destroyed]).toEqual([reason, true]);
    }
    const returned = vi.fn();
    expect((await follow(ready(megabytes, returned), { only: "pictures" })).error).toMatchObject({
      reason: "no-video",
    });
    await vi.waitFor(() => expect(returned).toHaveBeenCalledOnce(), 60_000);
  });

  it("gives a slow reader sound and pictures that belong together, however small pictures are", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kdc-mae-slow-"));
    const path = join(folder, "film.mkv");
    const shown = ["-f", "lavfi", "-i", "testsrc=s=32x32:r=10:d=40", "-f", "lavfi", "-i", "sine=r=16000:d=40"];
    const make = ["-v", "error", ...shown, "-c:v", "mpeg4", "-c:a", "pcm_s16le", path];
    await runProcess(packaged, make, { limits: [2 ** 20], timeoutMs: 60_000 });
    let [heard, seen, apart] = [0, 0, 0];
    for await (const part of readMediaStream(program, path, { ...wanted, size: 32, every: 0.5 })) {
      // Meanwhile ffmpeg fills its pipes.
      await new Promise((resolve) => setTimeout(resolve, 60));
      if ("sound" in part) heard += part.sound.samples.length / wanted.sampleRate;
      if ("frames" in part) seen = part.frames.at(-1)!.time;
      if (!("ended" in part)) apart = Math.max(apart, heard - seen);
    }
    expect([Math.round(heard), seen]).toEqual([40, 39.5]);
    expect(apart).toBeLessThan(10);
    await rm(folder, { recursive: true });
  });

  it("waits for a picture of a paced file as long as the next one takes, and a minute", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kdc-mae-paced-"));
    const path = join(folder, "film.mkv");
    const make = ["-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=2", "-c:v", "mpeg4", path];
    await runProcess(packaged, make, { limits: [2 ** 20], timeoutMs: 60_000 });
    const next = async (seconds: number) => {
      const parts = readMediaStream(program, path, { ...wanted, every: 100, paced: true });
      expect((await parts.next()).value).toEqual({ until: 2 });
      await parts.next();
      vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
      const waited = parts.next();
      vi.advanceTimersByTime(1000 * seconds);
      vi.useRealTimers();
      const { value } = await waited;
      for await (const _ of parts);
      return value;
    };
    expect(await next(159)).toMatchObject({ frames: [{ time: 0.5 }] });
    await expect(next(161)).rejects.toMatchObject({ reason: "timeout" });
    await rm(folder, { recursive: true });
  });
});

it("holds nothing for each piece it has fed", async () => {
  const pieces = 4000;
  let left = pieces;
  const counts: number[] = [];
  const input = new Writable({
    highWaterMark: 1,
    write: (_bytes, _encoding, done) => void setImmediate(done),
  });
  const promises = () => v8.queryObjects(Promise, { format: "count" }) as unknown as number;
  const media = {
    head: [],
    async next(): Promise<IteratorResult<Uint8Array>> {
      if (left === pieces || left === 0) counts.push(promises());
      return left-- > 0 ? { done: false, value: new Uint8Array(8) } : { done: true, value: undefined };
    },
  };
  await feed(input, media, failing);
  expect(counts[1] - counts[0]).toBeLessThan(pieces / 4);
  expect(["drain", "error", "close"].map((event) => input.listenerCount(event))).toEqual([1, 1, 1]);
});
