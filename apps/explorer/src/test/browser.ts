import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ExploreOptions, explore } from "@kdc-mae/trainer";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { buildPage, whyNot } from "./built-page.js";

const executablePath = [
  process.env.CHROMIUM_PATH,
  "/usr/bin/chromium",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
].find((path) => path !== undefined && existsSync(path));

/** Why tests in Chromium are not run; undefined where they are. */
export const missing = whyNot(executablePath, "Chromium (CHROMIUM_PATH)");

/** A page that is open, and what was seen of it that should not be. */
export type OpenPage = { readonly page: Page; readonly complaints: string[]; readonly outside: string[] };

export type ExplorerInBrowser = {
  readonly folder: string;
  readonly address: string;
  readonly open: (options?: BrowserContextOptions) => Promise<OpenPage>;
  /** The same page served with something else. */
  readonly serve: (options: ExploreOptions) => Promise<string>;
  /** Ends whatever still runs; the browser begins anew, since its graphics process goes on with what a closed page gave it. */
  readonly closePages: () => Promise<void>;
  readonly close: () => Promise<void>;
};

/** Chromium with WebGPU on whatever adapter there is, a software one at least. */
const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      ...["--no-sandbox", "--disable-background-networking", "--enable-unsafe-webgpu"],
      ...["--use-webgpu-adapter=swiftshader", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"],
    ],
  });

/** Builds, serves and opens the explorer as a person would. */
export async function openExplorer(options: ExploreOptions = {}): Promise<ExplorerInBrowser> {
  const folder = await mkdtemp(join(tmpdir(), "kdc-explorer-"));
  const page = join(folder, "page");
  await buildPage(page);
  const servers = [await explore({ ...options, page })];
  let browser = await launch();
  return {
    folder,
    address: servers[0].address,
    serve: async (more) => {
      servers.push(await explore({ ...more, page }));
      return servers[servers.length - 1].address;
    },
    open: async (context = {}) => {
      const { baseURL = servers[0].address, ...rest } = context;
      const opened = await (await browser.newContext(rest)).newPage();
      const [complaints, outside]: [string[], string[]] = [[], []];
      opened.on("pageerror", (error) => complaints.push(error.message));
      opened.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      opened.on("request", (request) => {
        if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(baseURL)) outside.push(request.url());
      });
      await opened.goto(baseURL);
      await opened.waitForSelector("html[data-ready=yes]");
      return { page: opened, complaints, outside };
    },
    closePages: async () => {
      await browser.close();
      browser = await launch();
    },
    close: async () => {
      await browser.close();
      for (const server of servers) await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type TraceEvent = Readonly<{ pid: number; tid: number; name: string; tdur?: number; args?: { name?: string } }>;

/**
 * Tasks for which a page's own thread computed longer than a person bears while something was done, ms of its processor: on a
 * busy machine it is stopped wherever it is. Of the best of three times, since such a machine computes slower too.
 */
export async function undisturbed(page: Page, act: () => Promise<void>): Promise<number[]> {
  const browser = page.context().browser() as Browser;
  let best: number[] | undefined;
  for (let attempt = 0; attempt < 3 && (best === undefined || best.length > 0); attempt++) {
    await browser.startTracing(page, { categories: ["toplevel"] });
    await act();
    const { traceEvents: events } = JSON.parse(String(await browser.stopTracing())) as { traceEvents: TraceEvent[] };
    const placeOf = ({ pid, tid }: TraceEvent) => `${pid}/${tid}`;
    const own = new Set(
      events.filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain").map(placeOf),
    );
    // One that was under way when the trace began or ended has no time.
    const took = events.flatMap((event) =>
      event.name === "ThreadControllerImpl::RunTask" && own.has(placeOf(event)) ? (event.tdur ?? []) : [],
    );
    if (took.length === 0) throw new Error("the trace holds no task of the page's own thread");
    const long = took.map((microseconds) => microseconds / 1000).filter((one) => one > 100);
    if (best === undefined || long.length < best.length) best = long;
  }
  return best ?? [];
}
