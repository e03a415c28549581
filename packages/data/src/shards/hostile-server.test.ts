import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createGzip } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { openRemote } from "./remote-source.js";
import { s3Request } from "./s3.js";
import { jsonLimit } from "./sealed-json.js";
import { openShardSet } from "./shard-set.js";
import { packTar, tarEnd } from "./tar.js";

const servers: Server[] = [];
/** A server, and its address. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const quick = { pauseMs: 1, tries: 3 };
const read = async (address: string, more = {}): Promise<string> => {
  const parts: Uint8Array[] = [];
  for await (const part of openRemote(address, { ...quick, ...more }).stream()) parts.push(part);
  return Buffer.concat(parts).toString();
};
const now = () => new Date("2026-01-01T00:00:00Z");
const keys = { region: "x", accessKeyId: "id", secretAccessKey: "secret", sessionToken: "token", now };

describe("a redirect", () => {
  it.each([301, 302, 303, 307, 308])("of %i to another host takes no key, token or header along", async (status) => {
    const seen: Record<string, unknown>[] = [];
    const elsewhere = await serve((request, response) => {
      seen.push(request.headers);
      response.end("the shard");
    });
    const first = await serve((request, response) => {
      seen.push(request.headers);
      response.writeHead(status, { location: `${elsewhere}/moved.tar` }).end();
    });
    const headers = { authorization: "Bearer mine", "x-secret": "mine", cookie: "mine" };
    expect(await read("s3://bucket/a.tar", { s3: { ...keys, endpoint: first } })).toBe("the shard");
    expect(await read(`${first}/a.tar`, { headers })).toBe("the shard");
    expect(Object.keys(seen[0])).toEqual(expect.arrayContaining(["authorization", "x-amz-security-token"]));
    expect(seen[2]).toMatchObject(headers);
    for (const other of [seen[1], seen[3]]) {
      expect(Object.keys(other).filter((name) => /auth|amz|secret|cookie/.test(name))).toEqual([]);
      expect(JSON.stringify(other)).not.toMatch(/mine|token|secret/);
    }
  });

  it("to another place on the same host keeps them, and a circle or another protocol ends", async () => {
    const seen: string[] = [];
    const address = await serve((request, response) => {
      if (request.url === "/circle") response.writeHead(302, { location: "/circle" }).end();
      else if (request.url === "/file") response.writeHead(302, { location: "file:///etc/passwd" }).end();
      else if (request.url === "/bad") response.writeHead(302, { location: "http://[" }).end();
      else if (request.url === "/a") response.writeHead(302, { location: "/b" }).end();
      else response.end(String(request.headers["x-own"]));
      seen.push(request.url ?? "");
    });
    expect(await read(`${address}/a`, { headers: { "x-own": "kept" } })).toBe("kept");
    await expect(read(`${address}/circle`)).rejects.toThrow("it was redirected more than 5 times");
    await expect(read(`${address}/file`)).rejects.toThrow("it was redirected to file:…, which is not read");
    await expect(read(`${address}/bad`)).rejects.toThrow("which is not an address");
    expect(seen.filter((url) => url === "/circle")).toHaveLength(6);
  });
});

describe("a server", () => {
  const endless = (response: ServerResponse, piece: Buffer) => {
    const more = () => {
      while (!response.destroyed) {
        if (!response.write(piece)) return response.once("drain", more);
      }
      return undefined;
    };
    more();
  };

  it("that never ends dataset.json, plain or packed a thousandfold, is left after 64 MiB", async () => {
    const piece = Buffer.alloc(2 ** 16, " ");
    const plain = await serve((_, response) => endless(response, piece));
    const packed = await serve((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" });
      const gzip = createGzip();
      gzip.pipe(response);
      response.on("close", () => gzip.destroy());
      const more = () => {
        while (!gzip.destroyed) if (!gzip.write(piece)) return gzip.once("drain", more);
        return undefined;
      };
      more();
    });
    const before = process.memoryUsage().rss;
    for (const address of [plain, packed]) {
      await expect(openShardSet(address, quick)).rejects.toThrow("dataset.json: it is longer than 64 MiB");
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(6 * jsonLimit);
  });

  it("that sends less than it was asked for is asked for the rest; a file that is shorter meanwhile is another", async () => {
    const body = Buffer.from(Array.from({ length: 300_000 }, (_, at) => 33 + (at % 89)));
    const from = ({ headers }: IncomingMessage) => Number(/^bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);
    /** Sends 90 000 bytes and breaks off, then answers as it likes. */
    const breaking = (then: (at: number, response: ServerResponse) => void) =>
      serve((request, response) => {
        if (from(request) > 0) return then(from(request), response);
        response.writeHead(200, { "content-length": body.length });
        return response.write(body.subarray(0, 90_000), () => response.destroy());
      });
    const rangeOf = (at: number, to: number) => ({ "content-range": `bytes ${at}-${to - 1}/${body.length}` });
    const capped = await breaking((at, response) => {
      const to = Math.min(body.length, at + 50_000);
      response.writeHead(206, { "content-length": to - at, ...rangeOf(at, to) }).end(body.subarray(at, to));
    });
    // As a proxy of HTTP 1.0 does: the end of the connection is the end of the answer.
    const silent = await breaking((at, response) => {
      response.useChunkedEncodingByDefault = false;
      response.writeHead(206, { connection: "close", ...rangeOf(at, body.length) });
      response.end(body.subarray(at, at + 70_000));
    });
    const shrunk = await breaking((_, response) => {
      response.writeHead(416, { "content-range": "bytes */80000" }).end();
    });
    for (const address of [capped, silent]) expect(await read(address)).toBe(body.toString());
    await expect(read(shrunk)).rejects.toMatchObject({ reason: "changed" });
  });

  it("that gives the first of two shards last changes nothing of what is told of them", async () => {
    const tar = (name: string) => Buffer.concat([packTar([{ name, data: new Uint8Array(9) }]), tarEnd]);
    let isGiven: () => void = () => undefined;
    const second = new Promise<void>((resolve) => {
      isGiven = resolve;
    });
    const address = await serve(async (request, response) => {
      if (!request.url!.endsWith(".tar")) return void response.writeHead(404).end();
      if (request.url === "/second.tar") return void response.end(tar("b.jpg"), isGiven);
      await second;
      setImmediate(() => response.end(tar("a.jpg")));
    });
    const set = await openShardSet([`${address}/first.tar`, `${address}/second.tar`], quick);
    const [{ first }] = Object.values(set.passedOver);
    expect(first.map((name) => name.slice(address.length + 1))).toEqual([
      expect.stringMatching(/^first\.tar: a/),
      expect.stringMatching(/^second\.tar: b/),
    ]);
    await set.close();
  });

  it("that never ends its refusal is read for its beginning", async () => {
    const answer = Buffer.from(`<Error><Code>Nope</Code>${" ".repeat(2 ** 16)}`);
    const address = await serve((_, response) => {
      response.writeHead(403);
      endless(response, answer);
    });
    await expect(read(`${address}/a.tar`)).rejects.toThrow("403 Forbidden (Nope)");
  });

  it("that gives a byte now and then is given up", async () => {
    let asked = 0;
    const address = await serve((_, response) => {
      asked++;
      response.writeHead(200, { "content-length": 100_000 });
      const drip = setInterval(() => response.write("."), 20);
      response.on("close", () => clearInterval(drip));
    });
    await expect(read(`${address}/a.tar`, { stallMs: 200 })).rejects.toThrow(
      "it could not be read in 3 tries (the connection delivered too little in the time allowed)",
    );
    expect(asked).toBe(3);
  });

  it("that is quick is not blamed for a reader who is slow", async () => {
    const body = Buffer.alloc(400_000, "x");
    let asked = 0;
    const address = await serve((_, response) => {
      asked++;
      response.end(body);
    });
    let length = 0;
    for await (const part of openRemote(`${address}/a.tar`, { ...quick, stallMs: 60 }).stream()) {
      length += part.length;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    expect([length, asked]).toEqual([400_000, 1]);
  });

  type Says = (version: number) => Record<string, string>;
  const says: readonly (readonly [string, Says])[] = [
    ["its strong tag", (version) => ({ etag: `"v${version}"` })],
    ["its weak tag", (version) => ({ etag: `W/"v${version}"` })],
    ["its time", (version) => ({ "last-modified": `Thu, 0${version + 1} Jan 2026 00:00:00 GMT` })],
    ["its length alone", () => ({})],
  ];
  it.each(says)("whose file changes between two connections is found out by %s", async (_, tell) => {
    const bodies = [Buffer.alloc(200_000, "a"), Buffer.alloc(200_001, "b")];
    const conditions: (string | undefined)[] = [];
    let asked = 0;
    const address = await serve((request, response) => {
      const version = Math.min(1, asked++);
      const condition = request.headers["if-range"] as string | undefined;
      conditions.push(condition);
      const [, first] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? [];
      const known = condition === undefined || condition === tell(version).etag;
      const from = first !== undefined && known ? Number(first) : 0;
      const part = bodies[version].subarray(from);
      const total = bodies[version].length;
      const range = from > 0 ? { "content-range": `bytes ${from}-${total - 1}/${total}` } : {};
      response.writeHead(from > 0 ? 206 : 200, { "content-length": part.length, ...range, ...tell(version) });
      if (version === 1) response.end(part);
      else response.write(part.subarray(0, 50_000), () => response.destroy());
    });
    await expect(read(`${address}/a.tar`)).rejects.toMatchObject({ reason: "changed", where: `${address}/a.tar` });
    expect(conditions[1]).toBe(tell(0).etag?.startsWith('"') ? tell(0).etag : undefined);
  });
});

describe("an S3 address", () => {
  it.each(["a/../b", "./a", "a/.", "..", "../other/b"])(
    "with the key %s signs nothing, since it would be another",
    async (key) => {
      await expect(s3Request(`s3://bucket/${key}`, {}, keys)).rejects.toThrow("its key has a part . or ..");
    },
  );

  it("with dots, percent signs and blanks in its key is asked for and signed as it is", async () => {
    const { url } = await s3Request("s3://bucket/a..b/...c/%2e%2e/+ü ?#.tar", {}, keys);
    expect(url).toBe("https://bucket.s3.x.amazonaws.com/a..b/...c/%252e%252e/%2B%C3%BC%20%3F%23.tar");
    await expect(s3Request("s3://evil.example#/a", {}, keys)).rejects.toThrow("its bucket's name is not a valid one");
  });
});
