import { setTimeout as pause } from "node:timers/promises";
import { KdcError } from "@kdc-mae/core";
import type { ByteSource } from "./byte-source.js";
import { fetchFrom } from "./follow.js";
import { leastBytes, watchPace } from "./pace.js";
import { type S3Access, s3Request } from "./s3.js";

/** How remote shards are reached. */
export type RemoteOptions = {
  /** Tries without progress (32 KiB) before giving up (6 by default). */
  readonly tries?: number;
  /** Pause before the second try, ms, doubled each time up to 64 times (200 by default). */
  readonly pauseMs?: number;
  /** A connection that gives less than 32 KiB in this time of waiting is tried again, ms (30 000 by default). */
  readonly stallMs?: number;
  /** Needed for `s3://` addresses: the region, and keys unless the bucket is public. */
  readonly s3?: S3Access;
  /** Further headers, such as an authorization; another host that a redirect leads to does not see them. */
  readonly headers?: Readonly<Record<string, string>>;
};

/** Answers after which trying again makes sense. */
const passing = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Longest answer of a refusal that is looked into, bytes. */
const longestRefusal = 64 * 2 ** 10;

/** What tells one version of a file from another. */
type Version = { readonly tag: string | null; readonly modified: string | null; readonly total: number | undefined };

/** The version of an answer, and the byte its content begins at. */
function versionIn({ status, headers }: Response): Version & { readonly start: number | undefined } {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
  const length = headers.get("content-encoding") ? null : headers.get("content-length");
  const total = status === 206 ? range?.[2] : length;
  return {
    tag: headers.get("etag"),
    modified: headers.get("last-modified"),
    total: total === undefined || total === null || total === "*" ? undefined : Number(total),
    start: status === 206 ? (range ? Number(range[1]) : undefined) : 0,
  };
}

/** Whether two answers are surely of two files; what one of them does not say differs from nothing. */
const differs = (a: Version, b: Version): boolean =>
  (a.tag !== null && b.tag !== null && a.tag !== b.tag) ||
  (a.modified !== null && b.modified !== null && a.modified !== b.modified) ||
  (a.total !== undefined && b.total !== undefined && a.total !== b.total);

/**
 * A shard behind `http(s)://` or `s3://`. A connection that breaks, stalls or crawls is taken up again at the byte where
 * it broke (Range, If-Range); a server without Range is read from the beginning again and the known part passed over. A
 * file that is another one than before (ETag, time or length) ends the reading: its pieces would not fit together.
 */
export function openRemote(address: string, options: RemoteOptions = {}): ByteSource {
  const { tries = 6, pauseMs = 200, stallMs = 30_000 } = options;
  let known: Version | undefined;

  async function* connect(from: number, until: number | undefined): AsyncGenerator<Uint8Array> {
    const stop = new AbortController();
    const pace = watchPace(stallMs, () =>
      stop.abort(new Error("the connection delivered too little in the time allowed")),
    );
    try {
      const { url, headers } = await requestOf(address, conditions(from, until, known), options);
      const response = await pace.wait(fetchFrom(address, url, headers, stop.signal));
      if (response.status === 416) {
        // It was longer when its beginning was read.
        if (from < (known?.total ?? 0)) throw changedError(address);
        return;
      }
      if (response.status === 404 || response.status === 410)
        throw remoteError(address, "there is no such file", "missing");
      if (!response.ok || !response.body) {
        const what = `the server answered ${response.status} ${response.statusText}`;
        if (passing.has(response.status)) throw new Error(what);
        const refusal = refusalIn(await pace.wait(beginningOf(response)).catch(() => ""));
        throw refusal ? refusedError(address, `${what} (${refusal})`) : remoteError(address, what);
      }
      const version = versionIn(response);
      if (known !== undefined && differs(known, version)) throw changedError(address);
      known ??= version;
      if (response.status === 206 && version.start !== undefined && version.start !== from)
        throw new Error(`the server sent byte ${version.start} when byte ${from} was asked for`);
      let skip = response.status === 206 ? 0 : from;
      const expected = Number(response.headers.get("content-length") ?? Number.NaN);
      let got = 0;
      const chunks = (response.body as unknown as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
      for (;;) {
        const { done, value: chunk } = await pace.wait(chunks.next());
        if (done) break;
        pace.got(chunk.length);
        got += chunk.length;
        const useful = chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - useful.length;
        if (useful.length > 0) yield useful;
      }
      if (Number.isFinite(expected) && !response.headers.get("content-encoding") && got < expected)
        throw new Error("the connection ended early");
    } catch (error) {
      throw stop.signal.aborted && !(error instanceof KdcError) ? stop.signal.reason : error;
    } finally {
      pace.stop();
      stop.abort();
    }
  }

  async function* stream(offset = 0, end?: number): AsyncGenerator<Uint8Array> {
    let [at, failures, since] = [offset, 0, 0];
    for (;;) {
      try {
        for await (const chunk of connect(at, end)) {
          const useful = end === undefined ? chunk : chunk.subarray(0, end - at);
          at += useful.length;
          since += useful.length;
          // A few bytes a connection are no progress.
          if (since >= leastBytes) [failures, since] = [0, 0];
          yield useful;
          if (at === end) return;
        }
        // An answer may be whole and shorter than what was asked for, and some that break off do not say how long they are.
        if (at < Math.min(end ?? Number.POSITIVE_INFINITY, known?.total ?? 0))
          throw new Error("the connection ended early");
        return;
      } catch (error) {
        if (error instanceof KdcError) throw error;
        if (++failures >= tries)
          throw remoteError(address, `it could not be read in ${tries} tries (${reasonOf(error)})`, "remote", error);
        await pause(pauseMs * 2 ** Math.min(6, failures - 1));
      }
    }
  }

  return {
    name: address,
    random: false,
    stream: (offset) => stream(offset),
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      let done = 0;
      for await (const chunk of stream(offset, offset + length)) {
        bytes.set(chunk, done);
        done += chunk.length;
      }
      return bytes.subarray(0, done);
    },
    close: async () => undefined,
  };
}

/** Which bytes are asked for, of which version. */
function conditions(from: number, until: number | undefined, known: Version | undefined): Record<string, string> {
  // What is unpacked on the way has no bytes to go on from, and no bounds.
  const plain = { "accept-encoding": "identity" };
  if (from === 0 && until === undefined) return plain;
  const range = { ...plain, range: `bytes=${from}-${until === undefined ? "" : until - 1}` };
  // Only a strong tag may be asked for; others are compared when the answer comes.
  return known?.tag?.startsWith('"') ? { ...range, "if-range": known.tag } : range;
}

async function requestOf(
  address: string,
  conditions: Readonly<Record<string, string>>,
  { s3, headers }: RemoteOptions,
): Promise<{ url: string; headers: Record<string, string> }> {
  const asked = { ...headers, ...conditions };
  return address.startsWith("s3://") ? s3Request(address, asked, s3) : { url: address, headers: asked };
}

/** The beginning of an answer. */
async function beginningOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    parts.push(part);
    length += part.length;
    if (length >= longestRefusal) break;
  }
  return Buffer.concat(parts).toString("utf8", 0, longestRefusal);
}

/** Why a service that speaks S3 refuses: the code and message of its XML answer. */
function refusalIn(answer: string): string | undefined {
  const [code, message] = ["Code", "Message"].map(
    (name) => new RegExp(`<${name}>([^<]{1,300})</${name}>`).exec(answer)?.[1],
  );
  return code === undefined ? undefined : [code, message].filter((part) => part !== undefined).join(": ");
}

const refusedError = (where: string, what: string): KdcError =>
  new KdcError({
    ...{ where, what, reason: "refused" },
    remedy: "Check the keys and the region, that the keys may read it, and get new ones where they have expired",
  });

const reasonOf = (error: unknown): string => {
  const { message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? message;
};

const remoteError = (where: string, what: string, reason = "remote", cause?: unknown): KdcError =>
  new KdcError({ where, what, remedy: "Check the address and the connection, and run again to go on", reason, cause });

const changedError = (where: string): KdcError =>
  new KdcError({
    where,
    what: "it was changed while it was read: its ETag, time or length differs",
    remedy: "Run again when nothing writes to it any more",
    reason: "changed",
  });
