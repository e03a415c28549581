import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { explore } from "@kdc-mae/trainer";
import { type Browser, type ElementHandle, launch, type Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { workWith } from "../lab/model-work.js";
import { viewsOf } from "../page/view-choice.js";
import { expectFilled, expectHeardAndSeen, givenOf, viewsInNode } from "./beside-node.js";
import { buildPage, whyNot } from "./built-page.js";
import { ffmpegs, makeFilms } from "./films.js";
import { clipHeld, dropFile, lossesOfRun, pixelsOf, setControl, viewsDealt } from "./in-page.js";
import { inNode, saveSmallModel } from "./small-model.js";
import { expectNodes, lossesInNode, wish } from "./train-in-node.js";

const executablePath = [process.env.FIREFOX_PATH, "/usr/bin/firefox-esr"].find(
  (path) => path !== undefined && existsSync(path),
);
const missing = whyNot(executablePath, "Firefox (FIREFOX_PATH)");

/** 20 steps: enough to stop in the middle of. */
const handful = { ...wish, epochs: 10 };

describe.skipIf(missing)(
  "the page in Firefox",
  () => {
    let folder: string;
    let films: Awaited<ReturnType<typeof makeFilms>>;
    let served: Awaited<ReturnType<typeof explore>>;
    let browser: Browser;
    let page: Page;
    const [complaints, outside]: [string[], string[]] = [[], []];

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "kdc-firefox-"));
      await buildPage(join(folder, "page"));
      films = await makeFilms(folder, (await ffmpegs())[0]);
      served = await explore({ page: join(folder, "page") });
      // As it comes with Debian: without WebGPU, which other Firefoxes have.
      const extraPrefsFirefox = { "dom.webgpu.enabled": false };
      // A busy machine takes its time.
      const patience = { timeout: 200_000, protocolTimeout: 400_000 };
      browser = await launch({ browser: "firefox", executablePath, extraPrefsFirefox, ...patience });
      console.info(await browser.version());
      page = await browser.newPage();
      page.setDefaultTimeout(200_000);
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      page.on("request", (request) => {
        if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(served.address))
          outside.push(request.url());
      });
      await page.goto(served.address);
      await page.locator("html[data-ready=yes]").wait();
    });
    afterEach(() => {
      expect(complaints).toEqual([]);
      expect(outside).toEqual([]);
    });
    afterAll(async () => {
      await browser?.close();
      await served?.close();
      await rm(folder, { recursive: true, force: true });
    });

    const textOf = (selector: string) =>
      page.evaluate((one) => document.querySelector(one)?.textContent ?? "", selector);
    /** Waits for words; asked from here, since the page's policy lets nobody compile a condition in it. */
    const says = (selector: string, words: RegExp) =>
      vi.waitFor(async () => expect(await textOf(selector)).toMatch(words), { timeout: 200_000, interval: 100 });
    const press = (selector: string) =>
      page.evaluate((one) => (document.querySelector(one) as HTMLButtonElement).click(), selector);
    const pick = async (selector: string, path: string) => {
      const input = (await page.$(selector)) as ElementHandle<HTMLInputElement> | null;
      await input?.uploadFile(path);
    };

    it("hears and sees films that are picked and dropped as the command line does", async () => {
      const decodes = await page.evaluate(async () => {
        const sound = { codec: "mp4a.40.2", sampleRate: 44_100, numberOfChannels: 2 };
        const known = [AudioDecoder.isConfigSupported(sound), VideoDecoder.isConfigSupported({ codec: "avc1.42001e" })];
        return (await Promise.all(known)).every(({ supported }) => supported);
      });
      const mp4 = await films.film("aac.mp4", "-c:v", "copy", "-ar", "44100", "-ac", "2");
      const webm = await films.film("opus.webm", ..."-c:v libvpx-vp9 -c:a libopus -ar 48000 -ac 2".split(" "));
      if (!decodes) console.info("no AAC and H.264 here: Debian's Firefox has them of libavcodec");
      for (const path of decodes ? [mp4, webm] : [webm]) {
        if (path === mp4) await pick("#file", path);
        else {
          const bytes = (await readFile(path)).toString("base64");
          await page.evaluate(dropFile, [basename(path), "video/webm", bytes] as const);
        }
        await says("#clip-note", new RegExp(`^${basename(path)}: .*decoded in`));
        const inPage = JSON.parse(await page.evaluate(clipHeld));
        for (const ffmpeg of await ffmpegs()) {
          const { raw, seen } = await expectHeardAndSeen(inPage, path, ffmpeg);
          expect(raw).toBeGreaterThanOrEqual(0.99);
          expect(seen).toBeGreaterThanOrEqual(0.999);
        }
      }
    });

    it("deals the views that the masking package deals in Node", async () => {
      const masking = {
        views: 3,
        audioRatio: 0.8,
        visualRatio: 0.9,
        kind: "independent",
        audioStructure: "none",
      } as const;
      const fields = { "view-count": "3", "audio-ratio": "80", "visual-ratio": "90", "view-kind": "independent" };
      for (const set of Object.entries({ ...fields, "view-seed": "7" })) await page.evaluate(setControl, set);
      expect(JSON.parse(await page.evaluate(viewsDealt))).toEqual(viewsInNode(masking, 7));
      const took: number[] = [];
      for (const seed of ["8", "9", "10"]) {
        await page.evaluate(setControl, ["view-seed", seed] as const);
        took.push(Number(/drawn in ([\d.]+) ms/.exec(await textOf("#view-note"))?.[1]));
      }
      expect(Math.min(...took)).toBeLessThan(50);
      expect(await page.$$eval("#view-pictures figure", ({ length }) => length)).toBe(3);
    });

    it("says that it has no WebGPU, and fills views in on WebAssembly as Node does", async () => {
      const file = join(folder, "model.safetensors");
      const saved = await saveSmallModel(file);
      await pick("#model-file", file);
      await says("#model-note", /Runs on onnxruntime-web, WebAssembly, .*\(no WebGPU: this browser has none/);
      await vi.waitFor(async () =>
        expect(await page.$$eval("#frames canvas", ([canvas]) => (canvas as HTMLCanvasElement).width)).toBe(32),
      );
      const choice = { views: 3, ratio: { audio: 0.8, visual: 0.9 }, kind: "independent", structure: "none", seed: 10 };
      const views = viewsOf(choice as Parameters<typeof viewsOf>[0], {
        audio: saved.config.audio,
        visual: saved.config.visual,
      });
      await press("#fill");
      await says("#work-note", /Filled in 3 views in/);
      const node = workWith(saved, inNode);
      const { filled } = await node.fill(givenOf(JSON.parse(await page.evaluate(clipHeld))), views);
      await node.dispose();
      const captions = await page.$$eval("#filled figcaption", (all) =>
        all.map(({ textContent }) => textContent ?? ""),
      );
      const pixels: (readonly number[])[] = [];
      for (const index of filled.keys())
        pixels.push(JSON.parse(await page.evaluate(pixelsOf, `#filled figure:nth-child(${index + 1}) canvas.square`)));
      expectFilled(filled, captions, pixels);
      await page.select("#engine", "webgpu");
      await says("#model-note", /this browser has none, or no adapter for it/);
    });

    it("trains on WebAssembly as Node does, and goes on after a reload", async () => {
      const begin = (changes: Readonly<Record<string, string>>) =>
        page.evaluate((values) => {
          const root = document.querySelector("[data-run=A]") as HTMLElement;
          const part = (is: string) => root.querySelector(`[data-is=${is}]`) as HTMLInputElement;
          for (const [is, value] of Object.entries(values)) part(is).value = value;
          part("start").click();
          return root.dataset.step;
        }, changes);
      await page.locator("[data-run=A] .terms button").wait();
      // Stopped by the page itself, which no other program keeps waiting.
      await page.evaluate(() => {
        const root = document.querySelector("[data-run=A]") as HTMLElement;
        new MutationObserver((_, watch) => {
          if (Number(root.dataset.step) < 4) return;
          watch.disconnect();
          (root.querySelector("[data-is=pause]") as HTMLButtonElement).click();
        }).observe(root, { attributeFilter: ["data-step"] });
      });
      const { objective, clips, batch, epochs, seed } = handful;
      const numbers = { clips: `${clips}`, batch: `${batch}`, epochs: `${epochs}`, seed: `${seed}` };
      await begin({ ...numbers, objective, engine: "auto" });
      await says("[data-run=A] .note", /no WebGPU: .*steps a second, 20 steps in about|Paused after/);
      await says("[data-run=A] .note", /Paused after/);
      await page.reload();
      await says("[data-run=A] .note", /Kept from before/);
      const before = JSON.parse(await page.evaluate(lossesOfRun, "A"));
      expect(before.length).toBeGreaterThanOrEqual(4);
      expect(before.length).toBeLessThan(20);
      await begin({});
      await says("[data-run=A] .note", /Done: 20 steps/);
      expectNodes(JSON.parse(await page.evaluate(lossesOfRun, "A")), await lossesInNode(handful));
    });
  },
  400_000,
);
