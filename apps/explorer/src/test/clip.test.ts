import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { createRng } from "@kdc-mae/core";
import { logMel } from "@kdc-mae/data";
import { clipFormFor, maskerFor } from "@kdc-mae/trainer/recipe";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publishedEyes } from "../page/state.js";
import { type ExplorerInBrowser, missing, openExplorer, undisturbed } from "./browser.js";
import { asCommandLine, differ, ffmpegs, makeFilms } from "./films.js";

const form = clipFormFor(publishedEyes.grids);

/** What the page holds of the clip, as plain arrays. */
const held = (page: Page) =>
  page.evaluate(() => {
    const { clip } = (globalThis as unknown as { explorer: { clip: { value: import("../page/state.js").PageClip } } })
      .explorer;
    const { spectrogram, frames, waveform } = clip.value.seen;
    return {
      shape: spectrogram.shape,
      spectrogram: [...spectrogram.data],
      samples: [...waveform.samples],
      frames: [0, 5].map((index) => [...frames[index].data]),
    };
  });

describe.skipIf(missing)("a clip in the page", () => {
  let explorer: ExplorerInBrowser;
  let films: Awaited<ReturnType<typeof makeFilms>>;
  let programs: readonly string[];

  beforeAll(async () => {
    explorer = await openExplorer();
    programs = await ffmpegs();
    films = await makeFilms(explorer.folder, programs[0]);
  });
  afterAll(() => explorer?.close());

  const give = async (page: Page, path: string) => {
    await page.setInputFiles("#file", path);
    await page.waitForFunction(
      (name) => {
        const said = document.querySelector("#clip-note")?.textContent ?? "";
        return said.startsWith(`${name}: `) && said.includes("decoded in");
      },
      basename(path),
      { timeout: 200_000 },
    );
  };

  /** Films of one clip, and which share of their log-mel values must be within 1e-3 of the command line's. */
  const kinds: readonly (readonly [name: string, share: number, ...options: string[]])[] = [
    // What two decoders work out differs by rounding: a sample in thousands is the next of 16 bits.
    ["aac-16.mp4", 0.99, "-c", "copy"],
    ["aac-44-stereo.mp4", 0.99, "-c:v", "copy", "-ar", "44100", "-ac", "2"],
    ["aac-48-stereo.mov", 0.99, "-ar", "48000", "-ac", "2", "-s", "320x240"],
    ["aac-22.mp4", 0.99, "-c:v", "copy", "-ar", "22050"],
    ["opus-48-stereo.webm", 0.99, "-c:v", "libvpx", "-c:a", "libopus", "-ar", "48000", "-ac", "2"],
    ["opus-48.mp4", 0.99, "-c:v", "copy", "-c:a", "libopus", "-ar", "48000", "-strict", "-2"],
    ["vorbis-44-stereo.webm", 0.99, "-c:v", "libvpx", "-c:a", "libvorbis", "-ar", "44100", "-ac", "2"],
    // What is only unpacked is the same.
    ["pcm-16-bit-48-stereo.mov", 1, "-c:v", "copy", "-c:a", "pcm_s16le", "-ar", "48000", "-ac", "2"],
    ["pcm-24-bit-16.mov", 1, "-c:v", "copy", "-c:a", "pcm_s24le"],
    ["flac-16-bit-44.mkv", 1, "-c:v", "copy", "-c:a", "flac", "-sample_fmt", "s16", "-ar", "44100"],
    ["flac-24-bit-48-stereo.mkv", 1, "-c:v", "copy", "-c:a", "flac", "-sample_fmt", "s32", "-ar", "48000", "-ac", "2"],
  ];

  it("is heard and seen as the command line hears and sees it: log-mel within 1e-3", async () => {
    const { page, complaints, outside } = await explorer.open();
    const tasks: number[] = [];
    for (const [name, least, ...options] of kinds) {
      const path = await films.film(name, ...options);
      if (name === kinds[0][0]) tasks.push(...(await undisturbed(page, () => give(page, path))));
      else await give(page, path);
      const inPage = await held(page);
      for (const ffmpeg of programs) {
        const inNode = await asCommandLine(path, form, ffmpeg);
        const direct = logMel(inNode.clip.waveform, form.audio);
        expect(inPage.shape).toEqual(direct.shape);
        const theirs = inNode.clip.waveform.samples;
        // WebM tells times in milliseconds: ffmpeg ends the sound a little before or after.
        const whole = Math.min(inPage.samples.length, theirs.length) - 160;
        const samples = inPage.samples.slice(0, whole).map((value, n) => 32768 * Math.abs(value - theirs[n]));
        const sound = differ(inPage.spectrogram, direct.data);
        const near = inPage.spectrogram.filter((value, index) => Math.abs(value - direct.data[index]) < 1e-3);
        const share = near.length / inPage.spectrogram.length;
        const pictures = [0, 5].map((frame, index) => differ(inPage.frames[index], inNode.frames[frame]));
        const mean = pictures.reduce((sum, one) => sum + one.mean, 0) / pictures.length;
        console.info(
          `${name}, ${ffmpeg}: ${samples.filter((steps) => steps > 0).length} of ${samples.length} samples differ, at most by ${Math.max(...samples)}; ` +
            `log-mel at most ${sound.most.toExponential(1)}, mean ${sound.mean.toExponential(1)}, ${(100 * share).toFixed(2)} % within 1e-3; ` +
            `pictures at most ${Math.max(...pictures.map(({ most }) => most))} of 255, mean ${mean.toFixed(2)}`,
        );
        expect(Math.abs(inPage.samples.length - theirs.length)).toBeLessThanOrEqual(name.endsWith("webm") ? 24 : 0);
        expect(Math.max(...samples)).toBeLessThanOrEqual(1);
        expect(share).toBeGreaterThanOrEqual(least);
        expect(sound.mean).toBeLessThan(1e-3);
        expect(mean).toBeLessThan(3);
      }
    }
    expect(complaints).toEqual([]);
    expect(outside).toEqual([]);
    expect(tasks).toEqual([]);
  }, 900_000);

  it("deals the views that the masking package deals in Node, in under 50 ms a redraw", async () => {
    const { page, complaints } = await explorer.open();
    await give(page, films.source);
    const base = {
      views: 2,
      audioRatio: 0.75,
      visualRatio: 0.75,
      kind: "complementary",
      audioStructure: "none",
    } as const;
    const choices = [
      { ...base, seed: 0 },
      { ...base, views: 3, audioRatio: 0.8, visualRatio: 0.9, seed: 7 },
      { ...base, kind: "independent" as const, audioRatio: 0.5, seed: 11 },
      { ...base, audioStructure: "time-frequency" as const, seed: 3 },
      { ...base, kind: "independent" as const, audioStructure: "time" as const, seed: 4 },
    ];
    for (const { seed, ...masking } of choices) {
      const set = (id: string, value: string) =>
        page.$eval(
          `#${id}`,
          (control, to) => {
            (control as HTMLInputElement).value = to;
            control.dispatchEvent(new Event("input", { bubbles: true }));
          },
          value,
        );
      await set("view-count", String(masking.views));
      await set("audio-ratio", String(Math.round(100 * masking.audioRatio)));
      await set("visual-ratio", String(Math.round(100 * masking.visualRatio)));
      await set("view-kind", masking.kind);
      await set("view-structure", masking.audioStructure);
      await set("view-seed", String(seed));
      const shown = await page.evaluate(() => {
        const { views } = (
          globalThis as unknown as { explorer: { views: { value: import("@kdc-mae/core").ClipView[] } } }
        ).explorer;
        return views.value.map((view) => [[...view.audio.visible], [...view.visual.visible]]);
      });
      const mask = maskerFor({ masking } as never)!;
      const inNode = mask(publishedEyes.grids, createRng(seed)).map((view) => [
        [...view.audio.visible],
        [...view.visual.visible],
      ]);
      expect(shown).toEqual(inNode);
      const took = /drawn in ([\d.]+) ms/.exec((await page.textContent("#view-note")) ?? "")?.[1];
      expect(Number(took)).toBeLessThan(50);
      expect(await page.locator("#view-pictures figure").count()).toBe(masking.views);
    }
    await page.$eval("#view-count", (control) => {
      (control as HTMLInputElement).value = "4";
      control.dispatchEvent(new Event("input", { bubbles: true }));
    });
    await page.$eval("#visual-ratio", (control) => {
      (control as HTMLInputElement).value = "50";
      control.dispatchEvent(new Event("input", { bubbles: true }));
    });
    await page.selectOption("#view-kind", "complementary");
    expect(await page.textContent("#view-note")).toContain("disjoint views");
    expect(complaints).toEqual([]);
  });

  it("is recorded from camera and microphone", async () => {
    const { page, complaints } = await explorer.open();
    await page.fill("#record-seconds", "2");
    await page.click("#record");
    await page.waitForFunction(
      () => /^your recording: /.test(document.querySelector("#clip-note")?.textContent ?? ""),
      undefined,
      {
        timeout: 60_000,
      },
    );
    expect(await page.textContent("#clip-facts")).toContain("sound opus");
    expect(complaints).toEqual([]);
  });

  it("is dropped, as a person drops it", async () => {
    const { page } = await explorer.open();
    const bytes = (await readFile(films.source)).toString("base64");
    await page.evaluate((text) => {
      const data = new DataTransfer();
      const raw = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      data.items.add(new File([raw], "dropped.mp4", { type: "video/mp4" }));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }, bytes);
    await page.waitForFunction(() => /^dropped.mp4: 2/.test(document.querySelector("#clip-note")?.textContent ?? ""));
  });
});
