import { setTimeout as pause } from "node:timers/promises";
import { KdcError } from "@kdc-mae/core";
import type { ByteSource } from "./byte-source.js";
import { type S3Access, s3Request } from "./s3.js";

/** How remote shards are reached. */
export type RemoteOptions = {
  /** Tries without a single byte of progress before giving up (6 unless told). */
  readonly tries?: number;
  /** Pause before the second try, ms, doubled each time up to 64 times (200 unless told). */
  readonly pauseMs?: number;
  /** A connection that gives nothing for this long is tried again, ms (30 000 unless told). */
  readonly stallMs?: number;
  /** Needed for `s3://` addresses: the region, and keys unless the bucket is public. */
  readonly s3?: S3Access;
  /** Further headers, such as an authorization. */
  readonly headers?: Readonly<Record<string, string>>;
};

/** Answers after which trying again makes sense. */
const passing = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * A shard behind `http(s)://` or `s3://`. A connection that breaks or stalls is taken up again at the byte where it
 * broke (Range); a server without Range is read from the beginning again and the known part passed over.
 */
export function openRemote(address: string, options: RemoteOptions = {}): ByteSource {
  const { tries = 6, pauseMs = 200, stallMs = 30_000 } = options;

  async function* connect(from: number, until: number | undefined): AsyncGenerator<Uint8Array> {
    const range =
      from === 0 && until === undefined ? undefined : `bytes=${from}-${until === undefined ? "" : until - 1}`;
    const stop = new AbortController();
    let timer = setTimeout(() => stop.abort(), stallMs);
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => stop.abort(), stallMs);
    };
    try {
      const { url, headers } = requestOf(address, range, options);
      const response = await fetch(url, { headers, signal: stop.signal });
      if (response.status === 416) return;
      if (response.status === 404 || response.status === 410)
        throw remoteError(address, "there is no such file", "missing");
      if (!response.ok || !response.body) {
        const what = `the server answered ${response.status} ${response.statusText}`;
        if (passing.has(response.status)) throw new Error(what);
        const refusal = refusalIn(await response.text().catch(() => ""));
        throw refusal ? refusedError(address, `${what} (${refusal})`) : remoteError(address, what);
      }
      let skip = response.status === 206 ? 0 : from;
      const expected = Number(response.headers.get("content-length") ?? Number.NaN);
      let got = 0;
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        alive();
        got += chunk.length;
        const useful = chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - useful.length;
        if (useful.length > 0) yield useful;
      }
      if (Number.isFinite(expected) && !response.headers.get("content-encoding") && got < expected)
        throw new Error("the connection ended early");
    } finally {
      clearTimeout(timer);
      stop.abort();
    }
  }

  async function* stream(offset = 0, end?: number): AsyncGenerator<Uint8Array> {
    let [at, failures] = [offset, 0];
    for (;;) {
      try {
        for await (const chunk of connect(at, end)) {
          const useful = end === undefined ? chunk : chunk.subarray(0, end - at);
          [at, failures] = [at + useful.length, 0];
          yield useful;
          if (at === end) return;
        }
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

function requestOf(
  address: string,
  range: string | undefined,
  { s3, headers }: RemoteOptions,
): { url: string; headers: Record<string, string> } {
  const asked = { ...headers, ...(range === undefined ? {} : { range }) };
  return address.startsWith("s3://") ? s3Request(address, asked, s3) : { url: address, headers: asked };
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
