import { join } from "node:path";
import { indexFolder } from "@kdc-mae/trainer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ExplorerInBrowser, missing, type OpenPage, openExplorer } from "./browser.js";
import { ffmpegs, makeFilms } from "./films.js";
import { saveSmallModel } from "./small-model.js";

describe.skipIf(missing)("searching in the page", () => {
  let explorer: ExplorerInBrowser;
  let films: Awaited<ReturnType<typeof makeFilms>>;
  let opened: OpenPage;

  beforeAll(async () => {
    explorer = await openExplorer();
    films = await makeFilms(explorer.folder, (await ffmpegs())[0]);
    // Markup in names stands for markup in labels: both are shown as text.
    await films.film(join("set", "train", "<img src=x onerror=alert(1)>.mp4"), "-c", "copy");
    await films.film(join("set", "train", "again.mp4"), "-c", "copy");
    const model = join(explorer.folder, "model.safetensors");
    await saveSmallModel(model);
    const index = join(explorer.folder, "index");
    await indexFolder(join(explorer.folder, "set", "train"), { model, index, env: process.env });
    opened = await explorer.open({ baseURL: await explorer.serve({ run: model, index }) });
    const { page } = opened;
    await page.waitForFunction(
      () => /parameters/.test(document.querySelector("#model-note")?.textContent ?? ""),
      undefined,
      {
        timeout: 200_000,
      },
    );
    await page.selectOption("#engine", "wasm");
    await page.waitForFunction(() => /WebAssembly/.test(document.querySelector("#model-note")?.textContent ?? ""));
    await page.setInputFiles("#file", films.items[1].path);
    await page.waitForFunction(() => /decoded in/.test(document.querySelector("#clip-note")?.textContent ?? ""));
  });
  afterAll(() => explorer?.close());

  const done = (words: string) =>
    opened.page.waitForFunction((text) => document.querySelector("#search-note")?.textContent?.includes(text), words, {
      timeout: 120_000,
    });

  it.each(["joint", "audio", "visual"])("finds the clip itself first, by %s, with a player", async (by) => {
    const { page } = opened;
    await page.selectOption("#ask-by", by);
    await page.click("#ask");
    await done("nearest clips");
    const first = await page.locator("#found li").first().textContent();
    expect(first).toMatch(/^train-00001\.mp4( at [\d.]+ s)?, cosine \d/);
    await page.waitForFunction(
      () => ((document.querySelector("#found video") as HTMLVideoElement)?.readyState ?? 0) >= 1,
    );
    expect(await page.locator("#found img").count()).toBe(0);
    expect(await page.locator("#found li", { hasText: "<img src=x" }).count()).toBeGreaterThan(0);
  });

  it("draws a map of all clips, and plays one by click and by keyboard", async () => {
    const { page, complaints, outside } = opened;
    await page.click("#draw-map");
    await done("clips on the map");
    await page.focus("#map");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    expect(await page.locator("#found-player video").count()).toBe(1);
    await page.click("#map", { position: { x: 20, y: 20 } });
    expect(await page.textContent("#map-note")).toMatch(/\.mp4/);
    expect(complaints).toEqual([]);
    expect(outside).toEqual([]);
  });

  it("opens an index, its films and its model from folders on disk, with nothing served", async () => {
    const { page, complaints, outside } = await explorer.open();
    const done = (words: string) =>
      page.waitForFunction((text) => document.querySelector("#search-note")?.textContent?.includes(text), words, {
        timeout: 120_000,
      });
    await page.selectOption("#engine", "wasm");
    await page.setInputFiles("#model-file", join(explorer.folder, "model.safetensors"));
    await page.waitForFunction(() => /WebAssembly/.test(document.querySelector("#model-note")?.textContent ?? ""));
    await page.setInputFiles("#file", films.items[1].path);
    await page.waitForFunction(() => /decoded in/.test(document.querySelector("#clip-note")?.textContent ?? ""));
    await page.setInputFiles("#index-folder", join(explorer.folder, "index"));
    await done("clips, by the model");
    await page.click("#ask");
    await done("nearest clips");
    expect(await page.locator("#found li").first().textContent()).toMatch(
      /^train-00001\.mp4.*\(choose the films' folder to play it\)$/,
    );
    await page.setInputFiles("#media-folder", join(explorer.folder, "set", "train"));
    await done("files can be played");
    await page.click("#ask");
    await page.waitForFunction(
      () => ((document.querySelector("#found video") as HTMLVideoElement)?.readyState ?? 0) >= 1,
    );
    expect(await page.locator("#found video").first().getAttribute("src")).toMatch(/^blob:/);
    expect(await page.locator("#found li").first().textContent()).toMatch(
      /^train-00001\.mp4( at [\d.]+ s)?, cosine \d/,
    );
    expect(complaints).toEqual([]);
    expect(outside).toEqual([]);
  });

  it("says one sentence for a folder that holds no index, and for another model's", async () => {
    const { page } = opened;
    const other = join(explorer.folder, "other.safetensors");
    await saveSmallModel(other, { seed: 9 });
    await page.setInputFiles("#model-file", other);
    await page.waitForFunction(() =>
      document.querySelector("#model-note")?.textContent?.startsWith("other.safetensors"),
    );
    await page.click("#ask");
    await done("made with another model");
    await page.setInputFiles("#index-folder", join(explorer.folder, "set"));
    await done("no index.json");
  });
});
