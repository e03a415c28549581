import { existsSync } from "node:fs";
import { compareArms, findProtocol, protocols } from "@kdc-mae/eval";
import { comparisonHtml, type Picture, reportHtml } from "@kdc-mae/eval/report";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const browserPaths = [process.env.CHROMIUM_PATH, "/usr/bin/chromium", "/usr/bin/google-chrome"];
const executablePath = browserPaths.find((path) => path !== undefined && existsSync(path));
if (executablePath === undefined) console.info("skipped: no Chromium (CHROMIUM_PATH)");

const picture = (width: number, height: number): Picture => ({
  ...{ width, height },
  data: new Uint8Array(3 * width * height).fill(120),
});
const pair = { frame: picture(96, 96), spectrogram: picture(192, 64) };

/** A report with eight masks beside each other, and captions as long as they come. */
const report = reportHtml({
  ...{ title: "A report", engine: "compiled", seconds: { media: 1, evaluate: 2, total: 3 } },
  dataset: { train: 8, test: 4, kinds: ["bell", "drum"], leftOut: {} },
  clips: [0, 1, 2, 3, 4, 5, 6, 7].map((n) => ({
    ...{ id: `train/bell/recording-number-${n}-of-a-long-afternoon`, label: "bell, struck softly and far away" },
    ...{ original: pair, views: [pair, pair], reconstructions: [pair, pair], heat: picture(96, 96), ciou: 0.61 },
  })),
  inpaintingStrips: ["random", "time", "frequency"].map((label) => ({
    label,
    original: pair,
    masks: ["50.0 % hidden", "75.0 % hidden", "90.0 % hidden"].map((caption) => ({
      ...{ caption, masked: pair, restored: pair },
    })),
  })),
});

const run = (seed: number, hits: number) => ({
  seed,
  figures: { r1: { value: hits / 20, baseline: 0.05 }, error: { value: 0.5 + hits / 100, baseline: 0.9 } },
  cost: { pretrainSeconds: 61.3, evaluateSeconds: 4.25, steps: 1440, clipViews: 92160, flop: 3.4e13 },
});
const ablation = comparisonHtml(
  compareArms({
    ...{ title: "Objectives", settings: [["command", "kdc-mae ablate"]], seeds: [0, 1, 2] },
    figures: [
      {
        ...{ key: "r1", name: "R@1 sound → picture", kind: "share", better: "higher", evaluated: 20, leftOut: {} },
        ...{ protocol: findProtocol(protocols, "retrieval-middle-frame"), baseline: "chance, 1 of 20" },
      },
      {
        ...{ key: "error", name: "inpainting error of the picture", kind: "error", better: "lower" },
        ...{ protocol: findProtocol(protocols, "inpainting-random-75"), evaluated: 20, leftOut: {}, baseline: "mean" },
      },
    ],
    arms: ["reconstruction", "reconstruction-contrastive", "everything"].map((name, at) => ({
      ...{ name, about: "weighted by uncertainty", runs: [run(0, 2 + at), run(1, 4 + at), run(2, 3 + at)] },
    })),
    tables: [{ title: "Equal steps", arms: ["reconstruction", "reconstruction-contrastive", "everything"] }],
  }),
);

/** Run in the page: captions whose text is cut, by their own box or by one around them that hides and cannot be scrolled. */
const cutCaptions = `[...document.querySelectorAll("figcaption, caption")].filter((caption) => {
  const range = document.createRange();
  range.selectNodeContents(caption);
  const text = range.getBoundingClientRect();
  for (let box = caption; box !== document.body; box = box.parentElement) {
    if (getComputedStyle(box).overflowX !== "hidden") continue;
    const { left, right, bottom } = box.getBoundingClientRect();
    if (text.left < left - 1 || text.right > right + 1 || text.bottom > bottom + 1) return true;
  }
  const scrolls = caption.closest(".tiles, .scroll");
  return scrolls === null && (text.left < 0 || text.right > document.documentElement.clientWidth);
}).map((caption) => caption.textContent)`;

/** Run in the page: words of tables that stand on two lines. */
const brokenWords = `[...document.querySelectorAll("th, td")].flatMap((cell) => {
  const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  const broken = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const { index, 0: word } of node.data.matchAll(/[\\p{L}\\p{N}@.,]+/gu)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      if (new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1) broken.push(word);
    }
  }
  return broken;
})`;

describe.skipIf(executablePath === undefined)("pages in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  }, 60_000);
  afterAll(() => browser?.close());
  const shown = async (html: string, width: number): Promise<Page> => {
    const page = await browser.newPage({ viewport: { width, height: 800 } });
    await page.setContent(html);
    return page;
  };

  it.each([1280, 360])(
    "the report's captions are whole, %i px wide",
    async (width) => {
      const page = await shown(report, width);
      expect(await page.locator("figcaption").count()).toBeGreaterThan(20);
      expect(await page.evaluate(cutCaptions)).toEqual([]);
      await page.close();
    },
    60_000,
  );

  it.each([1280, 360])(
    "the ablation's table breaks no word, %i px wide",
    async (width) => {
      const page = await shown(ablation, width);
      expect(await page.locator("td").count()).toBeGreaterThan(6);
      expect(await page.evaluate(brokenWords)).toEqual([]);
      await page.close();
    },
    60_000,
  );
});
