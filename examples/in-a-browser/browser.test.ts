import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundlers, runtimeFiles } from "./bundle.mjs";
import * as programs from "./programs/index.js";

const browserPaths = [
  process.env.CHROMIUM_PATH,
  "/usr/bin/chromium",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const executablePath = browserPaths.find((path) => path !== undefined && existsSync(path));
const built = existsSync(new URL("../../packages/engine/dist/index.js", import.meta.url));
const missing = executablePath === undefined ? "no Chromium (CHROMIUM_PATH)" : built ? undefined : "run `build` first";
if (missing) console.info(`skipped: ${missing}`);

const kinds: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/** Equal but for rounding: sine and exponent differ in the last place between builds of V8. */
const near = (expected: unknown): unknown => {
  if (typeof expected === "number") return expect.closeTo(expected, 4);
  if (Array.isArray(expected)) return expected.map(near);
  if (typeof expected !== "object" || expected === null) return expected;
  return Object.fromEntries(Object.entries(expected).map(([name, value]) => [name, near(value)]));
};

describe.skipIf(missing)("every package's main entry in a page gives what it gives in Node", () => {
  let server: Server;
  let browser: Browser | undefined;
  let [folder, address] = ["", ""];
  let expected: Record<string, unknown> = {};

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kdc-browser-"));
    await writeFile(join(folder, "index.html"), '<!doctype html><script type="module" src="page.js"></script>');
    const answer = async (path: string) => {
      const inRuntime = /^\/onnxruntime-web\/([\w.-]+)$/.exec(path)?.[1];
      if (inRuntime !== undefined) return readFile(join(runtimeFiles, inRuntime));
      const [, bundler, rest] = /^\/(\w+)\/([\w./-]*)$/.exec(path) ?? [];
      return readFile(rest === "" ? join(folder, "index.html") : join(folder, bundler, rest));
    };
    server = createServer((request, response) => {
      const path = new URL(request.url ?? "/", "http://here").pathname;
      answer(path).then(
        (body) => response.setHeader("content-type", kinds[extname(path) || ".html"] ?? "text/plain").end(body),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking"] });
    for (const [name, program] of Object.entries(programs)) expected[name] = await program();
    expected = near(expected) as Record<string, unknown>;
  });

  afterAll(async () => {
    await browser?.close();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(Object.keys(bundlers) as (keyof typeof bundlers)[])(
    "bundled by %s",
    async (bundler) => {
      await bundlers[bundler]("page.js", join(folder, bundler));
      const page = await (browser as Browser).newPage();
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(error.message));
      await page.goto(`${address}/${bundler}/`);
      await page.waitForFunction("globalThis.outcomes !== undefined", undefined, { timeout: 60_000 });
      const outcomes = await page.evaluate("globalThis.outcomes");
      expect(complaints).toEqual([]);
      expect(outcomes).toEqual(expected);
    },
    240_000,
  );
});
