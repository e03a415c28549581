import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ExplorerInBrowser, missing, openExplorer, undisturbed } from "./browser.js";
import { ffmpegs, makeFilms } from "./films.js";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Most that a first visit fetches, bytes gzipped: page and workers, without models and runtimes. */
const ceiling = 600_000;

type Found = {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
};

/** What axe-core finds that is serious or worse. */
async function seriousIn(page: Page): Promise<readonly string[]> {
  // Evaluated and not added as a script, which the page's policy forbids.
  await page.evaluate(await readFile(axe, "utf8"));
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run: () => Promise<Found> } }).axe.run(),
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

describe.skipIf(missing)("the page", () => {
  let explorer: ExplorerInBrowser;
  beforeAll(async () => {
    explorer = await openExplorer();
  });
  afterAll(() => explorer?.close());

  const madeClip = (page: Page) =>
    page.waitForFunction(() => /^made: /.test(document.querySelector("#clip-note")?.textContent ?? ""));

  it.each(["light", "dark"] as const)("has nothing serious for axe-core, in %s colours", async (colorScheme) => {
    const { page, complaints } = await explorer.open({ colorScheme });
    await page.click("#make");
    await madeClip(page);
    await page.waitForSelector(".terms button");
    await page.click("#second-run");
    expect(await seriousIn(page)).toEqual([]);
    const paper = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    expect(paper).toBe(colorScheme === "dark" ? "rgb(20, 22, 26)" : "rgb(255, 255, 255)");
    expect(complaints).toEqual([]);
  });

  it("would be seen to compute too long", async () => {
    const { page } = await explorer.open();
    const compute = () => {
      let sum = 0;
      for (const began = performance.now(); performance.now() < began + 700; ) sum += Math.sqrt(sum);
    };
    expect(await undisturbed(page, () => page.evaluate(compute))).toEqual([expect.any(Number)]);
    expect(await undisturbed(page, () => page.evaluate(() => undefined))).toEqual([]);
  });

  it("fits a screen of 360 pixels", async () => {
    const { page } = await explorer.open({ viewport: { width: 360, height: 640 } });
    await page.click("#make");
    await madeClip(page);
    await page.waitForSelector(".terms button");
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(360);
  });

  it("is used by keyboard alone", async () => {
    const { page } = await explorer.open();
    await page.waitForSelector(".terms button");
    const reached = new Set<string>();
    for (let press = 0; press < 60; press++) {
      await page.keyboard.press("Tab");
      const id = await page.evaluate(() => document.activeElement?.id ?? "");
      reached.add(id);
      if (id === "make") {
        await page.keyboard.press("Enter");
        await madeClip(page);
      }
      if (id === "audio-ratio") await page.keyboard.press("ArrowRight");
    }
    for (const id of [
      "file",
      "make",
      "record",
      "view-count",
      "audio-ratio",
      "view-seed",
      "model-file",
      "engine",
      "index-folder",
    ]) {
      expect(reached).toContain(id);
    }
    expect(await page.textContent("#audio-ratio-out")).toBe("76 %");
  });

  it("asks for little at first: page, worker scripts, styles", async () => {
    const { page, outside } = await explorer.open();
    await page.waitForSelector(".terms button");
    const urls = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name));
    const workers = page.workers().map((worker) => worker.url());
    let bytes = 0;
    for (const url of new Set([explorer.address, ...urls, ...workers].filter((one) => one.startsWith("http")))) {
      if (/\.wasm$/.test(url)) continue;
      bytes += gzipSync(Buffer.from(await (await fetch(url)).arrayBuffer())).length;
    }
    console.info(`first visit: ${Math.round(bytes / 1000)} kB gzipped`);
    expect(bytes).toBeLessThanOrEqual(ceiling);
    expect(outside).toEqual([]);
  });

  it("says one sentence for what is no clip, and keeps the one before", async () => {
    const { page, complaints } = await explorer.open();
    await page.click("#make");
    await madeClip(page);
    const [ffmpeg] = await ffmpegs();
    const { source, film } = await makeFilms(explorer.folder, ffmpeg);
    // With its list in front, a film that was cut off still opens: only what it should hold is not there.
    const listed = await readFile(await film("listed.mp4", "-c", "copy", "-movflags", "+faststart"));
    const unlisted = await readFile(source);
    const files = {
      "cut-in-half.mp4": listed.subarray(0, listed.length / 2),
      "cut-near-its-end.mp4": listed.subarray(0, 0.8 * listed.length),
      "cut-after-its-list.mp4": listed.subarray(0, listed.indexOf("mdat") + 100),
      "cut-before-its-list.mp4": unlisted.subarray(0, unlisted.length / 2),
      "zip.mp4": Buffer.from(`PK\u0003\u0004${"x".repeat(4000)}`),
      "empty.mp4": Buffer.alloc(0),
      "page.webm": Buffer.from("<!doctype html><p>not a film"),
      "head.mp4": Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from("ftypisom"), Buffer.alloc(12)]),
    };
    for (const [name, buffer] of Object.entries(files)) {
      await page.setInputFiles("#file", { name, mimeType: "video/mp4", buffer });
      await page.waitForSelector("#clip-note.wrong");
      const said = (await page.textContent("#clip-note")) ?? "";
      expect(said.startsWith(`${name}: `)).toBe(true);
      expect(said.length).toBeLessThan(250);
      if (name.startsWith("cut")) expect(said).toMatch(/it is cut short|its sound holds nothing/);
      await page.click("#view-seed");
      expect(await page.locator("#frames canvas").count()).toBe(10);
      await page.click("#make");
      await madeClip(page);
    }
    // Less than half a second short, it is taken as it is.
    const buffer = listed.subarray(0, 0.95 * listed.length);
    await page.setInputFiles("#file", { name: "nearly.mp4", mimeType: "video/mp4", buffer });
    await page.waitForFunction(() =>
      /^nearly.mp4: 2.00 s, /.test(document.querySelector("#clip-note")?.textContent ?? ""),
    );
    // 4 GB that are not there: a page reads only what it needs.
    await page.evaluate(() => {
      const block = new Blob([new Uint8Array(2 ** 24)]);
      const file = new File(Array(256).fill(block), "large.mp4", { type: "video/mp4" });
      const data = new DataTransfer();
      data.items.add(file);
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    });
    await page.waitForFunction(
      () => document.querySelector("#clip-note.wrong")?.textContent?.startsWith("large.mp4: "),
      undefined,
      {
        timeout: 60_000,
      },
    );
    expect(complaints).toEqual([]);
  });
});
