import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { workWith } from "../lab/model-work.js";
import { viewsOf } from "../page/view-choice.js";
import { expectFilled, givenOf } from "./beside-node.js";
import { type ExplorerInBrowser, missing, type OpenPage, openExplorer, undisturbed } from "./browser.js";
import { differ, ffmpegs, makeFilms } from "./films.js";
import { clipHeld, pixelsOf } from "./in-page.js";
import { inNode, saveSmallModel } from "./small-model.js";

/** Clicks, and waits until what was asked for is done. */
const press = async (page: Page, id: string) => {
  await page.click(`#${id}`);
  await page.waitForFunction((one) => !(document.getElementById(one) as HTMLButtonElement).disabled, id, {
    timeout: 200_000,
  });
};

describe.skipIf(missing)("a model at work in the page", () => {
  let explorer: ExplorerInBrowser;
  let saved: Awaited<ReturnType<typeof saveSmallModel>>;
  let opened: OpenPage;
  let source = "";

  beforeAll(async () => {
    explorer = await openExplorer();
    const file = join(explorer.folder, "model.safetensors");
    saved = await saveSmallModel(file);
    const [ffmpeg] = await ffmpegs();
    ({ source } = await makeFilms(explorer.folder, ffmpeg));
    const address = await explorer.serve({ run: file });
    opened = await explorer.open({ baseURL: address });
    await opened.page.waitForFunction(
      () => /parameters/.test(document.querySelector("#model-note")?.textContent ?? ""),
      undefined,
      { timeout: 200_000 },
    );
    await opened.page.setInputFiles("#file", source);
    await opened.page.waitForFunction(() => /decoded in/.test(document.querySelector("#clip-note")?.textContent ?? ""));
  });
  afterAll(() => explorer?.close());

  /** The clip as the page gives it to the model. */
  const given = async () => givenOf(JSON.parse(await opened.page.evaluate(clipHeld)));
  /** What a canvas shows. */
  const shown = async (selector: string): Promise<readonly number[]> =>
    JSON.parse(await opened.page.evaluate(pixelsOf, selector));

  it.each(["webgpu", "wasm"])("fills views in, follows the sound and embeds on %s, as Node does", async (engine) => {
    const { page, complaints } = opened;
    await page.selectOption("#engine", engine);
    await page.waitForFunction(
      (name) => document.querySelector("#model-note")?.textContent?.includes(name),
      engine === "wasm" ? "WebAssembly" : "Runs on WebGPU",
      { timeout: 200_000 },
    );
    const what = await given();
    const node = workWith(saved, inNode);
    const grids = { audio: saved.config.audio, visual: saved.config.visual };
    const views = viewsOf(
      { views: 2, ratio: { audio: 0.75, visual: 0.75 }, kind: "complementary", structure: "none", seed: 0 },
      grids,
    );
    await press(page, "fill");
    expect(await page.textContent("#work-note")).toMatch(/Filled in 2 views in/);
    const expected = await node.fill(what, views);
    const captions = await page.locator("#filled figcaption").allTextContents();
    const pixels = await Promise.all(
      expected.filled.map((_, index) => shown(`#filled figure:nth-child(${index + 1}) canvas.square`)),
    );
    expectFilled(expected.filled, captions, pixels);
    await press(page, "embed");
    const { audio, visual } = await node.embed(what);
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, at) => sum + value * b[at], 0);
    const cosine = dot(audio, visual) / Math.sqrt(dot(audio, audio) * dot(visual, visual));
    expect(await page.textContent("#work-note")).toContain(`cosine of sound and picture ${cosine.toFixed(3)}`);
    await press(page, "follow");
    expect(await page.textContent("#work-note")).toMatch(/Heat map of \d+ moments in/);
    await node.dispose();
    expect(complaints).toEqual([]);
  });

  it("lays the heat map over the playing film, and it follows", async () => {
    const { page } = opened;
    const step = () => page.$eval("#heat", (heat) => Number((heat as HTMLElement).dataset.step));
    await page.$eval("#player", (player) => {
      (player as HTMLVideoElement).currentTime = 0;
    });
    await page.waitForFunction(() => document.getElementById("heat")?.dataset.step === "0");
    await page.$eval("#player", (player) => {
      (player as HTMLVideoElement).muted = true;
      return (player as HTMLVideoElement).play();
    });
    await page.waitForFunction(() => Number(document.getElementById("heat")?.dataset.step) > 1);
    expect(await step()).toBeGreaterThan(1);
    expect((await shown("#heat")).some((value) => value > 0)).toBe(true);
  });

  it("fills in what is painted over, by mouse and by keyboard, and no task is long", async () => {
    const { page } = opened;
    const tasks = await undisturbed(page, async () => {
      await press(page, "paint-clear");
      await page.locator("#paint-visual").scrollIntoViewIfNeeded();
      const box = await page.locator("#paint-visual").boundingBox();
      if (box === null) throw new Error("the picture to paint on is not shown");
      const at = (x: number, y: number) => [box.x + (x * box.width) / 4, box.y + (y * box.height) / 4] as const;
      await page.mouse.move(...at(0.5, 0.5));
      await page.mouse.down();
      await page.mouse.move(...at(1.5, 0.5));
      await page.mouse.move(...at(2.5, 0.5));
      await page.mouse.up();
      await page.focus("#paint-audio");
      for (const key of ["Space", "ArrowRight", "Space", "ArrowUp", "Space"]) await page.keyboard.press(key);
      expect(await page.textContent("#paint-note")).toBe(
        "Hidden: 3 of 16 patches of the picture, 3 of 12 of the sound.",
      );
      await press(page, "paint-fill");
    });
    const hidden = { audio: [0, 1, 7], visual: [0, 1, 2] };
    const split = (modality: "audio" | "visual", N: number) => ({
      hidden: Int32Array.from(hidden[modality]),
      visible: Int32Array.from([...Array(N).keys()].filter((position) => !hidden[modality].includes(position))),
    });
    const node = workWith(saved, inNode);
    const { filled } = await node.fill(await given(), [{ audio: split("audio", 12), visual: split("visual", 16) }]);
    const pixels = await shown("#painted canvas.square");
    expect(differ(pixels, filled[0].frame.data).most).toBeLessThanOrEqual(1);
    await node.dispose();
    expect(tasks).toEqual([]);
    // Where no sound is hidden there is no error of it to tell.
    await press(page, "paint-clear");
    await page.focus("#paint-visual");
    await page.keyboard.press("Space");
    await press(page, "paint-fill");
    expect(await page.textContent("#painted figcaption")).toMatch(/hidden: picture \d\.\d{3}$/);
  });

  it("says one sentence for a model that cannot be used, and keeps the one before", async () => {
    const { page, complaints } = opened;
    const files = {
      "nonsense.safetensors": Buffer.from("PK\u0003\u0004 a zip renamed"),
      "empty.safetensors": Buffer.alloc(0),
    };
    for (const [name, buffer] of Object.entries(files)) {
      await page.setInputFiles("#model-file", { name, mimeType: "application/octet-stream", buffer });
      await page.waitForSelector("#model-note.wrong");
      await press(page, "embed");
      expect(await page.textContent("#work-note")).toMatch(/^Embedded in/);
    }
    const other = join(explorer.folder, "other.safetensors");
    await saveSmallModel(other, { model: { ...smallOther } });
    await page.setInputFiles("#model-file", other);
    await page.waitForFunction(() =>
      document.querySelector("#model-note")?.textContent?.startsWith("other.safetensors"),
    );
    await page.waitForFunction(() => document.querySelectorAll("#frames canvas")[0]?.getAttribute("width") === "64");
    await press(page, "fill");
    expect(await page.textContent("#work-note")).toMatch(/Filled in 2 views in/);
    expect(complaints).toEqual([]);
  });

  it("shows nothing of a clip that another took the place of meanwhile, and of two clips the one asked for last", async () => {
    const { page } = opened;
    // All asked for at once: the model is at work on the first clip, a film is opened, and another clip is made.
    const film = [...(await readFile(source))];
    const names = await page.evaluate(async (bytes) => {
      const note = document.getElementById("clip-note") as HTMLElement;
      const shown: string[] = [];
      const both = new Promise<void>((resolve) => {
        new MutationObserver(() => {
          const [, name] = /^(.*): .* decoded in /.exec(note.textContent ?? "") ?? [];
          if (name !== undefined && shown.push(name) === 2) resolve();
        }).observe(note, { childList: true, characterData: true, subtree: true });
      });
      const fill = document.getElementById("fill") as HTMLButtonElement;
      fill.click();
      const given = new DataTransfer();
      given.items.add(new File([Uint8Array.from(bytes)], "film.mp4"));
      dispatchEvent(new DragEvent("drop", { dataTransfer: given }));
      document.getElementById("make")?.click();
      await both;
      while (fill.disabled) await new Promise((resolve) => requestAnimationFrame(resolve));
      return shown;
    }, film);
    expect(names).toEqual(["film.mp4", expect.stringMatching(/^made: /)]);
    expect(await page.locator("#filled > *").count()).toBe(0);
  });
});

/** Other grids than those of the first model. */
const smallOther = { preset: "tiny", embedDim: 16, heads: 2, modalityDepth: 1 };
