import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LoadedBatch } from "../loader/loader.js";
import { openShards } from "../loader/open-shards.js";
import { frontEnd, writeSmallSet } from "../loader/small-set.test.support.js";
import { openRemote } from "./remote-source.js";
import { s3Request } from "./s3.js";

let [folder, address] = ["", ""];
let server: Server;
/** What the server does wrong. */
const manners = {
  ...{ range: true, dropAfter: Number.POSITIVE_INFINITY, refuse: 0, status: 503, stall: false },
  answer: "",
};
const signed: string[] = [];
const asked: { path: string; range?: string }[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-remote-"));
  await writeSmallSet(folder);
  server = createServer(async (request, response) => {
    const path = decodeURIComponent(request.url!).replace(/^\/bucket\/a set/, "");
    if (request.headers.authorization) signed.push(request.headers.authorization);
    asked.push({ path, ...(request.headers.range ? { range: request.headers.range } : {}) });
    if (manners.refuse > 0) {
      manners.refuse--;
      response.writeHead(manners.status).end(manners.answer);
      return;
    }
    const body = await readFile(join(folder, path)).catch(() => undefined);
    if (!body) {
      response.writeHead(404).end();
      return;
    }
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec((manners.range && request.headers.range) || "") ?? [];
    const part = first === undefined ? body : body.subarray(Number(first), last === "" ? undefined : Number(last) + 1);
    response.writeHead(first === undefined ? 200 : 206, { "content-length": part.length });
    if (part.length <= manners.dropAfter) {
      response.end(part);
      return;
    }
    response.write(part.subarray(0, manners.dropAfter), () => {
      if (!manners.stall) response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

const quick = { pauseMs: 1, tries: 4 };
const load = async (where: string, more = {}): Promise<LoadedBatch[]> => {
  const loader = await openShards(where, {
    batch: 4,
    frontEnd,
    seed: 7,
    workers: 0,
    remote: quick,
    buffer: 9,
    ...more,
  });
  const batches: LoadedBatch[] = [];
  for await (const batch of loader.batches(1, 2)) batches.push(batch);
  await loader.close();
  return batches;
};
const behave = (more: Partial<typeof manners> = {}) => {
  Object.assign(
    manners,
    { range: true, dropAfter: Number.POSITIVE_INFINITY, refuse: 0, status: 503, stall: false, answer: "" },
    more,
  );
  asked.length = 0;
};

describe("remote shards", () => {
  it("give the batches that the folder gives, each shard read as one stream", async () => {
    behave();
    expect(await load(`${address}/`)).toEqual(await load(folder));
    for (const path of new Set(asked.map(({ path }) => path)))
      expect(asked.filter((entry) => entry.path === path)).toHaveLength(1);
  });

  const wrongs: [name: string, faults: Partial<typeof manners>][] = [
    ["drops connections", { dropAfter: 20_011 }],
    ["drops connections and knows no ranges", { dropAfter: 60_000, range: false }],
    ["is busy at first", { refuse: 3 }],
    ["stalls", { dropAfter: 90_000, stall: true }],
  ];
  it.each(wrongs)("survive a server that %s", async (_, faults) => {
    behave(faults.range === false ? {} : faults);
    const wanted = await load(folder);
    if (faults.range === false) {
      // Without ranges every try begins at the first byte, so it must reach the end now and then.
      behave(faults);
      setTimeout(() => behave({ range: false }), 150);
      expect(await load(address, { remote: { pauseMs: 60, tries: 8 } })).toEqual(wanted);
      return;
    }
    const remote = faults.stall ? { pauseMs: 1, tries: 20, stallMs: 250 } : quick;
    expect(await load(address, { remote })).toEqual(wanted);
    expect(asked.length).toBeGreaterThan(9);
  });

  it("go on at the byte where the connection broke", async () => {
    behave({ dropAfter: 50_000 });
    const file = await readFile(join(folder, "shard-000002.tar"));
    const parts: Uint8Array[] = [];
    for await (const part of openRemote(`${address}/shard-000002.tar`, quick).stream(1000)) parts.push(part);
    expect(Buffer.concat(parts).equals(file.subarray(1000))).toBe(true);
    expect(asked.map(({ range }) => range).slice(0, 3)).toEqual(["bytes=1000-", "bytes=51000-", "bytes=101000-"]);
    behave();
    expect(
      Buffer.from(await openRemote(`${address}/shard-000002.tar`).read(77, 1031)).equals(file.subarray(77, 1108)),
    ).toBe(true);
  });

  it("give up in words", async () => {
    behave({ refuse: 100 });
    await expect(openRemote(`${address}/x.tar`, quick).read(0, 10)).rejects.toThrow(
      "it could not be read in 4 tries (the server answered 503",
    );
    behave({ refuse: 100, status: 403 });
    await expect(openRemote(`${address}/x.tar`, quick).read(0, 10)).rejects.toThrow(
      "x.tar: the server answered 403 Forbidden",
    );
    expect(asked).toHaveLength(1);
    const answer = "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>";
    behave({ refuse: 100, status: 400, answer });
    await expect(openRemote(`${address}/x.tar`, quick).read(0, 10)).rejects.toThrow(
      "the server answered 400 Bad Request (ExpiredToken: The provided token has expired.). Check the keys",
    );
    expect(asked).toHaveLength(1);
    behave();
    await expect(openRemote(`${address}/gone.tar`, quick).read(0, 10)).rejects.toMatchObject({ reason: "missing" });
    await expect(openRemote("http://127.0.0.1:1/x.tar", quick).read(0, 10)).rejects.toThrow(
      "it could not be read in 4 tries",
    );
    await expect(load(`${address}/nothing`)).rejects.toThrow("a web folder cannot be listed");
  });
});

describe("s3Request", () => {
  const now = () => new Date("2013-05-24T00:00:00Z");
  it("signs as the example in AWS's documentation", async () => {
    const { url, headers } = await s3Request(
      "s3://examplebucket/test.txt",
      { range: "bytes=0-9" },
      {
        ...{
          region: "us-east-1",
          accessKeyId: "AKIAIOSFODNN7EXAMPLE",
          secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
          now,
        },
        endpoint: undefined,
      },
    );
    expect(url).toBe("https://examplebucket.s3.amazonaws.com/test.txt");
    expect(headers.authorization).toContain("SignedHeaders=host;range;x-amz-content-sha256;x-amz-date");
    expect(headers.authorization).toContain(
      "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    );
  });

  it("leaves a public bucket unsigned, writes odd keys as addresses, and wants a region", async () => {
    const { url, headers } = await s3Request("s3://b/a b/c'+é.tar", {}, { region: "eu-north-1", now });
    expect([url, headers]).toEqual(["https://b.s3.eu-north-1.amazonaws.com/a%20b/c%27%2B%C3%A9.tar", {}]);
    await expect(s3Request("s3://b/k", {}, undefined)).rejects.toThrow(
      "no region is known for it. Give s3://bucket/key, and the region with AWS_REGION",
    );
  });

  it("reads a whole set from a service that speaks S3, signed", async () => {
    behave();
    const s3 = { region: "x", accessKeyId: "id", secretAccessKey: "secret", endpoint: address, now };
    expect(await load("s3://bucket/a set", { remote: { ...quick, s3 } })).toEqual(await load(folder));
    expect(signed.length).toBeGreaterThan(9);
    expect(signed[0]).toMatch(
      /^AWS4-HMAC-SHA256 Credential=id\/20130524\/x\/s3\/aws4_request, SignedHeaders=accept-encoding;host;/,
    );
  });
});
