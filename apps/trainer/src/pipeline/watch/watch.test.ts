import { existsSync } from "node:fs";
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodePng } from "@kdc-mae/eval/report";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EVENTS } from "../log/events-file.js";
import type { RunRecord } from "../log/run-logger.js";
import type { ServedPage } from "../serve-here.js";
import { serveRuns } from "./serve-runs.js";
import { watchPage, writeWatchPage } from "./watch-page.js";
import { openWatched, type PageRecord, thinned } from "./watched-run.js";

const browserPaths = [process.env.CHROMIUM_PATH, "/usr/bin/chromium", "/usr/bin/google-chrome"];
const executablePath = browserPaths.find((path) => path !== undefined && existsSync(path));
if (executablePath === undefined) console.info("skipped: no Chromium (CHROMIUM_PATH)");

const same = (value: number) => ({ audio: value, visual: value, joint: value });
const steps = (step: number, total: number): RunRecord => ({
  ...{ time: 1e12 + step, step, kind: "steps", epoch: 1, losses: { total, contrastive: total / 4 } },
  ...{ gradientNorms: [1, 3], learningRate: 0.001, clipsPerSecond: 48.25, waiting: 0.125 },
  ...{ memory: 2 ** 30, secondsLeft: 7200 },
});
const evil = '<img src=x onerror="document.title=1"></script><b>bell</b>';
const records: readonly RunRecord[] = [
  {
    time: 1e12,
    step: 0,
    kind: "begin",
    steps: 100,
    perEpoch: 10,
    machine: "a machine",
    on: "ONNX Runtime, cpu, float32",
  },
  ...[10, 20, 30].map((step) => steps(step, 100 / step)),
  {
    ...{ time: 1e12, step: 30, kind: "probe", attentionEntropy: [0.5], seconds: 1 },
    probe: {
      ...{ clips: 8, width: 16, rank: same(4), alignment: 1.5, uniformity: same(-3), deviation: same(0.5) },
      retrieval: { audioToVisual: 0.5, visualToAudio: 0.25, chance: 0.125 },
    },
  },
  { time: 1e12, step: 30, kind: "warning", sign: "rank", what: `few directions ${evil}`, remedy: "Warm up" },
  {
    ...{ time: 1e12, step: 30, kind: "pictures" },
    pictures: [{ name: evil, file: "pictures/step-00000030-0-picture.png", width: 2, height: 1 }],
  },
];

let root = "";
const folderOf = async (name: string, experiment: object, lines: readonly RunRecord[] = records) => {
  const folder = join(root, name);
  await mkdir(join(folder, "pictures"), { recursive: true });
  await writeFile(join(folder, "experiment.json"), JSON.stringify({ name, ...experiment }));
  await writeFile(join(folder, EVENTS), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const png = encodePng({ width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 0, 0, 255) });
  await writeFile(join(folder, "pictures", "step-00000030-0-picture.png"), png);
  await writeFile(join(folder, "secret.png"), png);
  return folder;
};
const tell = (folder: string, record: RunRecord) => appendFile(join(folder, EVENTS), `${JSON.stringify(record)}\n`);

let served: ServedPage | undefined;
let [one, other] = ["", ""];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-watch-"));
  one = await folderOf("one", { seed: 1, training: { batch: 48 }, note: evil });
  other = await folderOf("other", { seed: 2, training: { batch: 48 } });
  served = await serveRuns([one, other], { pollMs: 100 });
});
afterAll(async () => {
  await served?.close();
  await rm(root, { recursive: true });
});

/** With a `Host` of its own, and a path as it is written. */
const status = (path: string, host?: string): Promise<number> => {
  const { port } = new URL(served!.address);
  return new Promise((resolve, reject) => {
    const headers = host === undefined ? {} : { host };
    get({ host: "127.0.0.1", port, path, headers }, (response) => {
      response.destroy();
      resolve(response.statusCode ?? 0);
    }).on("error", reject);
  });
};

describe("the server", () => {
  it("answers this machine alone, under its own names", async () => {
    expect(new URL(served!.address).hostname).toBe("127.0.0.1");
    expect(await status("/")).toBe(200);
    expect(await status("/", "localhost:99")).toBe(200);
    expect(await status("/", "evil.example")).toBe(403);
    expect((await fetch(served!.address, { method: "POST" })).status).toBe(405);
  });

  it("gives pictures of the runs and no other file", async () => {
    expect(await status("/file/0/pictures/step-00000030-0-picture.png")).toBe(200);
    for (const path of [
      "secret.png",
      "pictures/../secret.png",
      "pictures/%2e%2e/secret.png",
      "experiment.json",
      "pictures/none.png",
    ]) {
      expect(await status(`/file/0/${path}`), path).toBe(404);
    }
    expect(await status("/file/7/pictures/step-00000030-0-picture.png")).toBe(404);
    expect(await status("/elsewhere")).toBe(404);
  });

  it("says that a port is taken, and that a folder is no run", async () => {
    const port = Number(new URL(served!.address).port);
    await expect(serveRuns([one], { port })).rejects.toThrow(`port ${port} is taken. Give another with --port`);
    await expect(serveRuns([root])).rejects.toThrow("there is no experiment.json in it");
  });
});

describe("what is read of a run", () => {
  it("comes once, whole lines only, and anew where the run began again", async () => {
    const folder = await folderOf("read", {});
    const run = await openWatched(folder);
    expect(await run.poll()).toHaveLength(records.length);
    expect(await run.poll()).toEqual([]);
    const line = `${JSON.stringify(steps(40, 1))}\n`;
    await appendFile(join(folder, EVENTS), line.slice(0, 30));
    expect(await run.poll()).toEqual([]);
    await appendFile(join(folder, EVENTS), line.slice(30));
    expect(await run.poll()).toMatchObject([{ kind: "steps", step: 40, gradientNorm: 2 }]);
    // Cut within a character.
    const note = { time: 1, step: 40, kind: "note", text: "1.5 × – “so”" } as const;
    const bytes = Buffer.from(`${JSON.stringify(note)}\n`);
    const cut = bytes.indexOf("×") + 1;
    await appendFile(join(folder, EVENTS), bytes.subarray(0, cut));
    expect(await run.poll()).toEqual([]);
    await appendFile(join(folder, EVENTS), bytes.subarray(cut));
    expect(await run.poll()).toEqual([note]);
    await writeFile(join(folder, EVENTS), "");
    expect(await run.poll()).toBe("anew");
  });

  it("is its epochs where it is of before there was such a log", async () => {
    const folder = await folderOf("old", {}, []);
    const entry = { epoch: 0, step: 5, learningRate: 1, seconds: 1, losses: { total: 2 } };
    await writeFile(join(folder, "log.jsonl"), `${JSON.stringify(entry)}\n`);
    expect(await (await openWatched(folder)).poll()).toMatchObject([{ kind: "epoch", step: 5, entry }]);
  });

  it("is thinned where there is more than can be seen", () => {
    const many = Array.from({ length: 10_000 }, (_, at) => ({ kind: "steps", step: at }) as PageRecord);
    const few = thinned([...many, { kind: "note", time: 1, step: 1, text: "x" }]);
    expect(few).toHaveLength(2500 + 1);
  });
});

describe("the page", () => {
  it("holds what had been told when it was asked for, and nothing that its server will send", async () => {
    const note = (text: string): PageRecord => ({ kind: "note", time: 1, step: 1, text });
    const shown = [note("before")];
    const page = watchPage([{ name: "a", folder: "a", experiment: {}, records: shown }], { seen: 1 });
    shown.push(note("after"));
    expect(await page).toMatch(/"text":"before"(?!.*"text":"after")/);
  });
});

describe.skipIf(executablePath === undefined)("the page in a browser", () => {
  let browser: Browser;
  const problems: string[] = [];
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  });
  afterAll(() => browser?.close());
  const open = async (url: string, width = 1200): Promise<Page> => {
    const page = await browser.newPage({ viewport: { width, height: 800 } });
    page.on("console", (message) => void (message.type() === "error" && problems.push(message.text())));
    page.on("pageerror", (error) => void problems.push(String(error)));
    await page.goto(url);
    await page.waitForSelector(".chart canvas");
    return page;
  };

  it("shows runs, what differs between them, and what comes after, live", async () => {
    const page = await open(served!.address);
    await page
      .locator("#connection")
      .filter({ hasText: /^live$/ })
      .waitFor();
    const cards = await page.locator(".run").allInnerTexts();
    expect(cards[0]).toContain("48.3 clips/s");
    expect(cards[0]).toContain("12.5 % of the time");
    expect(cards[0]).toContain("2.0 h");
    expect(cards[0]).toContain("1.00 GiB");
    expect(cards[0]).toContain("30 of 100, epoch 2");
    const titles = await page.locator(".chart h3").allInnerTexts();
    expect(titles).toEqual(expect.arrayContaining(["loss: contrastive", "held-out RankMe: joint", "memory, GiB"]));
    expect(await page.locator("tr.differs td:first-child").allInnerTexts()).toEqual(["name", "seed", "note"]);
    await tell(other, steps(40, 0.5));
    await tell(other, { time: 1, step: 40, kind: "end", state: "finished" });
    const second = page.locator(".run").nth(1);
    await second.filter({ hasText: "40 of 100" }).waitFor();
    expect(await second.textContent()).toContain("finished");
    // Back at an earlier step: what was told of later ones is undone.
    const card = "WebGPU, a card (a driver), float32, no matrix units";
    await tell(other, { time: 1, step: 20, kind: "begin", steps: 100, perEpoch: 10, machine: "another", on: card });
    await second.filter({ hasText: "20 of 100" }).waitFor();
    expect(await second.textContent()).toContain("trains");
    expect(await second.textContent()).toContain(`computes on${card}`);
    // It goes on elsewhere now, and differs in that.
    expect(await page.locator("tr.differs", { hasText: "computes on" }).locator("td").allInnerTexts()).toEqual([
      ...["computes on", "ONNX Runtime, cpu, float32", card],
    ]);
    // A page that is opened now begins there too.
    expect(await (await open(served!.address)).locator(".run").nth(1).textContent()).toContain("20 of 100");
    expect(problems).toEqual([]);
  });

  it("takes nothing of a run for markup", async () => {
    const folder = await folderOf("evil", { name: evil });
    const own = await serveRuns([folder]);
    const page = await open(own.address);
    expect(await page.title()).toBe(`${evil} – kdc-mae`);
    expect(await page.locator(".run h3").textContent()).toBe(evil);
    expect(await page.locator("#warnings").textContent()).toContain(evil);
    expect(await page.locator("figcaption").textContent()).toBe(`step 30: ${evil}`);
    expect(await page.locator("img").count()).toBe(1);
    expect(await page.locator("main b").count()).toBe(1);
    await page.close();
    await own.close();
  });

  it("fits a phone, 360 px wide", async () => {
    const page = await open(served!.address, 360);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
    const widths = await page.locator(".chart").evaluateAll((boxes) => boxes.map((box) => box.getBoundingClientRect()));
    for (const { left, right } of widths) {
      expect(left).toBeGreaterThanOrEqual(0);
      expect(right).toBeLessThanOrEqual(360);
    }
  });

  it("stands alone as one file, pictures and all", async () => {
    const file = join(root, "page.html");
    await writeWatchPage([one, other], file);
    const text = await readFile(file, "utf8");
    expect(text).not.toMatch(/(src|href)="?https?:/);
    problems.length = 0;
    const page = await open(`file://${file}`);
    expect(
      await page
        .locator(".pictures img")
        .first()
        .evaluate((image) => (image as { naturalWidth?: number }).naturalWidth),
    ).toBe(2);
    const card = await page.locator(".run").first().textContent();
    expect(card).toContain("computes onONNX Runtime, cpu, float32");
    // A share of few clips says of how many, and beside what.
    expect(card).toContain("50.0 % sound to picture, 25.0 % picture to sound; chance 12.5 %, 1 of 8 clips");
    expect(await page.locator("#connection").textContent()).toBe("as it was when this page was written");
    expect(problems).toEqual([]);
  });
});
