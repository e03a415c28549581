import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { decodePicture } from "@kdc-mae/data/node";
import { compiled } from "@kdc-mae/engine/node";
import { inpaintingProtocol } from "@kdc-mae/eval";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { clipFormFor } from "../corpus/clip-form.js";
import { memorySet } from "../corpus/clip-set.js";
import { openCutting } from "../evaluate/cutting.js";
import { inpaintClips } from "../evaluate/protocols/inpaint.js";
import { config, statistics } from "../finetune/made-clips.test.support.js";
import { inpaint } from "./inpaint-files.js";
import { randomClassifier, randomModel } from "./known-model.test.support.js";
import { decoder, makeMedia, windowsOf } from "./made-film.test.support.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let folder = "";
const at = (...names: string[]) => join(folder, ...names);
const film = () => at("film.mp4");
beforeAll(async () => {
  folder = await makeMedia();
});
afterAll(() => rm(folder, { recursive: true }));

describe("inpaint", () => {
  it.each(["random", "time"] as const)("measures what the inpainting head measures: %s", async (structure) => {
    if (!("model" in randomModel)) throw new Error("it is one");
    const { files } = await inpaint([film()], { model: randomModel, hole: { share: 0.5, structure } });
    const { protocol, conduct } = inpaintingProtocol(structure, 0.5);
    const [none, clips] = [memorySet([]), memorySet(await windowsOf(film()))];
    const head = await inpaintClips(protocol, conduct as Extract<typeof conduct, { task: "inpainting" }>, {
      ...{ saved: randomModel, execute: compiled(), split: "test", leftOut: {}, denormalize: false },
      sets: { train: none, validation: none, test: clips },
      cutting: openCutting(clipFormFor(config), { statistics, batch: 2 }),
      onProgress: () => undefined,
    });
    if (head.head !== "inpainting") throw new Error("it is one");
    for (const modality of ["audio", "visual"] as const) {
      expect(files[0][modality]?.mse).toBeCloseTo(head.result[modality].mse, 5);
      expect(files[0][modality]?.meanFill).toBeCloseTo(head.result[modality].meanFill, 5);
      for (const [n, window] of files[0].windows.entries()) {
        expect(window[modality]?.mse).toBeCloseTo(head.result[modality].clips.mse[n], 5);
      }
    }
  });

  it("fills a stretch of sound, and leaves all other sound and every picture as they were", async () => {
    const { files } = await inpaint([film()], {
      ...{ model: randomModel, hole: { time: [1.3, 1.6] }, sound: at("filled.wav") },
    });
    const [{ windows, audio, visual }] = files;
    expect([windows.length, visual]).toEqual([1, undefined]);
    expect(audio?.mse).toBeGreaterThan(0);
    const [{ start, end }] = windows;
    expect((start + end) / 2).toBeCloseTo(1.45, 5);
    const made = await decoder.decodeSound({ id: "x", path: at("filled.wav"), labels: [] }, { sampleRate: 16_000 });
    const own = await decoder.decodeSound({ id: "x", path: film(), start, end, labels: [] }, { sampleRate: 16_000 });
    expect(made.samples).toHaveLength(own.samples.length);
    const differs = [...made.samples.keys()].filter((n) => Math.abs(made.samples[n] - own.samples[n]) > 2e-4);
    const times = [differs[0], differs[differs.length - 1]].map((n) => start + n / 16_000);
    // Columns of 0.16 s that the time touches, and half a frame of the log-mel.
    expect(times[0]).toBeGreaterThan(1.3 - 0.17);
    expect(times[1]).toBeLessThan(1.6 + 0.19);
    expect(differs.length / 16_000).toBeGreaterThan(0.25);
  });

  it("fills a rectangle of the picture, and writes it beside what was there", async () => {
    await inpaint([film()], {
      ...{ model: randomModel, hole: { rectangle: { x: 84, y: 47, width: 14, height: 15 } }, pictures: at("holes") },
    });
    const panel = await decodePicture(await readFile(at("holes", "000000.png")), "panel");
    const side = 192;
    const pixel = (which: number, x: number, y: number) => {
      const place = 3 * ((6 + y) * panel.width + 6 + which * (side + 6) + x);
      return [...panel.data.subarray(place, place + 3)];
    };
    let differing = 0;
    for (let y = 24; y < side; y += 48) {
      for (let x = 24; x < side; x += 48) {
        const hidden = x === 120 && y === 120;
        expect([x, y, pixel(1, x, y)]).toEqual([x, y, hidden ? [150, 153, 150] : pixel(0, x, y)]);
        if (hidden) differing += Number(String(pixel(2, x, y)) !== String(pixel(0, x, y)));
        else expect(pixel(2, x, y)).toEqual(pixel(0, x, y));
      }
    }
    expect(differing).toBe(1);
  });

  it("writes a film of the whole length with the filled sound under it", async () => {
    const { files } = await inpaint([film()], { model: randomModel, every: 0.24, out: at("out"), sound: at("out") });
    const { film: written, sound } = files[0];
    expect([written, sound]).toEqual([at("out", "film.filled.mp4"), at("out", "film.filled.wav")]);
    const { duration, video, audio } = await decoder.probe(at("out", "film.filled.mp4"));
    expect(duration).toBeCloseTo(4, 0);
    expect([video?.width, audio?.sampleRate]).toEqual([600, 16_000]);
    expect((await decoder.probe(at("out", "film.filled.wav"))).duration).toBeCloseTo(4, 1);
  });

  it("refuses holes that cannot be, a classifier, and normalised patches", async () => {
    const run = (hole: Parameters<typeof inpaint>[1]["hole"]) => inpaint([film()], { model: randomModel, hole });
    await expect(run({ share: 0.5, time: [1, 2] })).rejects.toThrow("a share was given together with a time");
    await expect(run({ time: [2, 1] })).rejects.toThrow("the time is from 2 to 1 s");
    const message = async (hole: Parameters<typeof run>[0]) => (await run(hole)).leftOut[0].message;
    expect(await message({ time: [9, 10] })).toContain("the film lasts 4.00 s");
    expect(await message({ time: [0, 3] })).toContain("Hide at most 0.86 s");
    expect(await message({ rectangle: { x: 0, y: 0, width: 20, height: 20 } })).toContain("lies beside the square");
    expect(await message({ rectangle: { x: 0, y: 0, width: 160, height: 90 } })).toContain("hides the whole picture");
    await expect(inpaint([film()], { model: randomClassifier() })).rejects.toThrow("which has no decoder any more");
  });
});
