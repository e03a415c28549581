import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { type IncomingHttpHeaders, request } from "node:http";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { explore } from "../pipeline/explore/open-explorer.js";
import type { ServedPage } from "../pipeline/serve-here.js";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

type Answer = { readonly status?: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer };

/** Asks with a path as it is: `fetch` would tidy it up first. */
const ask = (
  address: string,
  path: string,
  {
    method = "GET",
    hostname,
    headers = {},
  }: { method?: string; hostname?: string; headers?: Record<string, string> } = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { port, hostname: own } = new URL(address);
    const asked = request({ hostname: hostname ?? own, port, path, method, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode: status, headers: given } = response;
        resolve({ status, headers: given, body: Buffer.concat(parts) });
      });
    });
    asked.on("error", reject);
    asked.end();
  });

/** 101 bytes, each another one. */
const film = Buffer.from(Array.from({ length: 101 }, (_, n) => n + 32));

let folder = "";
let served: ServedPage;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-explore-"));
  const put = (path: string, bytes: string | Buffer) => writeFile(join(folder, path), bytes);
  for (const name of ["page", "run", "films/of", "films/folder.mp4", "films-more"]) {
    await mkdir(join(folder, name), { recursive: true });
  }
  await put("page/index.html", "<html><head></head><body>the page</body></html>");
  await put("page/secret.txt", "secret");
  await put("run/model.safetensors", "a model");
  await put("run/state.safetensors", "secret");
  await put("films/of/bird.mp4", film);
  await put("films/of/bird.json", "secret");
  await put("films/empty.mp4", "");
  for (const path of ["secret.mp4", "secret.js", "films-more/secret.mp4"]) await put(path, "secret");
  await symlink(join(folder, "secret.mp4"), join(folder, "films/out.mp4"));
  await symlink(join(folder, "films-more"), join(folder, "films/more"));
  await symlink(join(folder, "films/of"), join(folder, "films/again"));
  served = await explore({ page: join(folder, "page"), run: join(folder, "run"), media: join(folder, "films") });
});
afterAll(async () => {
  await served?.close();
  await rm(folder, { recursive: true, force: true });
});

describe("what explore serves", () => {
  it("is the page, the run's model and the films", async () => {
    const said = async (path: string) => (await ask(served.address, path)).body.toString();
    expect(await said("/")).toContain("the page");
    expect(JSON.parse(await said("/run/about.json"))).toEqual({ model: true, index: false, films: true });
    expect(await said("/run/model.safetensors")).toBe("a model");
    expect((await ask(served.address, "/run/films/again/bird.mp4")).body).toEqual(film);
  });

  it("goes to whoever calls it by a name of this machine's own, and to nobody else", async () => {
    const { port } = new URL(served.address);
    const asked = async (host: string, path: string) => {
      const { status, body } = await ask(served.address, path, { headers: { host } });
      return { status, tells: /the page|a model|model"/.test(body.toString()) };
    };
    for (const path of ["/", "/run/about.json", "/run/model.safetensors"]) {
      for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, "localhost", `[::1]:${port}`]) {
        expect([host, await asked(host, path)]).toEqual([host, { status: 200, tells: true }]);
      }
      for (const host of [
        ...["example.org", `example.org:${port}`, "127.0.0.1.example.org", "localhost.example.org", "10.0.0.1"],
        ...["example.org#127.0.0.1", "127.0.0.1@example.org", `0.0.0.0:${port}`, "xlocalhost"],
      ]) {
        expect([host, await asked(host, path)]).toEqual([host, { status: 403, tells: false }]);
      }
    }
    const outer = Object.values(networkInterfaces())
      .flatMap((some) => some ?? [])
      .find(({ internal, family }) => !internal && family === "IPv4");
    if (outer === undefined) console.info("not tried from outside: this machine has no outer address");
    else await expect(ask(served.address, "/", { hostname: outer.address })).rejects.toThrow(/ECONNREFUSED/);
  });

  it.each([
    ...["/../secret.js", "/..%2fsecret.js", "/secret.txt", "/run/state.safetensors", "/run/../run/state.safetensors"],
    ...["/run/films/../secret.mp4", "/run/films/%2e%2e/secret.mp4", "/run/films/..%2fsecret.mp4"],
    ...[
      "/run/films/of%2f..%2f..%2fsecret.mp4",
      "/run/films/..%2ffilms-more%2fsecret.mp4",
      "/run/films/..%5csecret.mp4",
    ],
    ...["/run/films/out.mp4", "/run/films/more/secret.mp4", "/run/films/of/bird.json", "/run/films/folder.mp4"],
    ...["/run/films/secret.mp4%00.mp4", "/run/films/", "/run/films/none.mp4", "/run/index/index.json", "/etc/passwd"],
  ])("is not %s", async (path) => {
    const { status, body } = await ask(served.address, path);
    expect([status, body.toString()]).toEqual([404, "there is no such file\n"]);
  });

  it("is read and not written, and a path that is none is said to be none", async () => {
    expect((await ask(served.address, "/run/films/%E0%A4%A.mp4")).status).toBe(400);
    for (const method of ["POST", "PUT", "DELETE"]) {
      expect((await ask(served.address, "/run/films/of/bird.mp4", { method })).status).toBe(405);
    }
  });

  it.each([
    ["bytes=0-0", 0, 0],
    ["bytes=0-9", 0, 9],
    ["bytes=7-", 7, 100],
    ["bytes=-5", 96, 100],
    ["bytes=-500", 0, 100],
    ["bytes=90-500", 90, 100],
    ["bytes=100-100", 100, 100],
  ] as const)("gives of a film the part %s", async (range, from, to) => {
    const path = "/run/films/of/bird.mp4";
    const { status, headers, body } = await ask(served.address, path, { headers: { range } });
    expect(status).toBe(206);
    expect(headers["content-range"]).toBe(`bytes ${from}-${to}/101`);
    expect(headers["content-length"]).toBe(String(to - from + 1));
    expect(headers["content-type"]).toBe("video/mp4");
    expect(body).toEqual(film.subarray(from, to + 1));
    const head = await ask(served.address, path, { method: "HEAD", headers: { range } });
    expect([head.status, head.headers["content-range"], head.body.length]).toEqual([206, headers["content-range"], 0]);
  });

  it("gives the whole where no part, several or something else is asked for, and nothing beyond the end", async () => {
    for (const range of [undefined, "bytes=0-1,5-6", "frames=0-1", "bytes=-"]) {
      const headers: Record<string, string> = range === undefined ? {} : { range };
      const { status, headers: given, body } = await ask(served.address, "/run/films/of/bird.mp4", { headers });
      expect([headers, status, given["content-range"]]).toEqual([headers, 200, undefined]);
      expect(body).toEqual(film);
    }
    for (const range of ["bytes=101-", "bytes=500-600", "bytes=-0"]) {
      const { status, headers, body } = await ask(served.address, "/run/films/of/bird.mp4", { headers: { range } });
      expect([range, status, headers["content-range"]]).toEqual([range, 416, "bytes */101"]);
      expect(body.toString()).toBe("there is no such part\n");
    }
    const empty = await ask(served.address, "/run/films/empty.mp4");
    expect([empty.status, empty.headers["content-length"], empty.body.length]).toEqual([200, "0", 0]);
  });

  it("ends at once, a download that is under way with it", async () => {
    const large = join(folder, "films/large.mp4");
    await writeFile(large, "");
    await truncate(large, 2 ** 31);
    const other = await explore({ page: join(folder, "page"), media: join(folder, "films") });
    const loading = request(`${other.address}run/films/large.mp4`);
    loading.end();
    const [response] = await once(loading, "response");
    const cut = once(response, "error");
    await other.close();
    response.resume();
    expect((await cut)[0].code).toBe("ECONNRESET");
    await expect(ask(other.address, "/")).rejects.toThrow(/ECONNREFUSED/);
  });
});

const isBuilt = existsSync(at("dist/command-line.js")) && existsSync(at("../explorer/dist/index.html"));
if (!isBuilt) console.info("kdc-mae explore itself was not run: run `build` first");

describe.skipIf(!isBuilt)("kdc-mae explore", () => {
  const start = (...args: string[]) => {
    const child = spawn(process.execPath, [at("bin/kdc-mae.js"), "explore", ...args], { cwd: folder });
    const [out, err] = [child.stdout.setEncoding("utf8"), child.stderr.setEncoding("utf8")];
    return { child, out, err };
  };

  it.each(["SIGINT", "SIGTERM"] as const)("prints where it is, serves the run, and ends by %s", async (signal) => {
    const { child, out } = start("run");
    try {
      const address = String((await once(out, "data"))[0]).trim();
      expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
      expect((await ask(address, "/run/model.safetensors")).body.toString()).toBe("a model");
      expect((await ask(address, "/")).body.toString()).toContain("KDC-MAE explorer");
      child.kill(signal);
      expect(await once(child, "exit")).toEqual([0, null]);
      await expect(ask(address, "/")).rejects.toThrow(/ECONNREFUSED/);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it.each([
    [["nowhere"], /there is no model nowhere\/model\.safetensors/],
    [["--index", "films"], /films/],
    [["--port", "70000"], /whole number from 1 to 65535/],
  ])("says what is wrong with %s", async (args, words) => {
    const { child, err } = start(...args);
    let said = "";
    err.on("data", (text: string) => (said += text));
    const [code] = await once(child, "close");
    expect(code).toBeGreaterThan(0);
    expect(said).toMatch(words);
    expect(said).not.toMatch(/^\s+at /m);
  });
});
