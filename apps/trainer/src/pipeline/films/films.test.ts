import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { FloatTensor, Frame, Patches } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { decodePicture } from "@kdc-mae/data/node";
import { eager } from "@kdc-mae/engine";
import { type ClassifierParams, classify as logitsOf } from "@kdc-mae/model";
import { softmax, type Tensor } from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { clipFormFor } from "../corpus/clip-form.js";
import { openCutting } from "../evaluate/cutting.js";
import { classes, config, statistics } from "../finetune/made-clips.test.support.js";
import { classify } from "./classify-files.js";
import { inpaint } from "./inpaint-files.js";
import { randomClassifier, randomModel, redIsLoud } from "./known-model.test.support.js";
import { localize } from "./localize-files.js";
import { decoder, makeMedia, windowsOf } from "./made-film.test.support.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
let folder = "";
const at = (...names: string[]) => join(folder, ...names);
const film = () => at("film.mp4");
beforeAll(async () => {
  folder = await makeMedia();
});
afterAll(() => rm(folder, { recursive: true }));

/** What the model's own function gives for a clip, on tfjs's plain backend. */
async function probabilitiesOf(params: ClassifierParams<FloatTensor>, clip: StoredClip): Promise<number[]> {
  const patches = await openCutting(clipFormFor(config), { statistics, batch: 1 }).cutter.cut([{ clip }]);
  const inputs = { params, patches };
  const program = await eager("cpu")(
    (given: { params: ClassifierParams<Tensor>; patches: Patches }) =>
      softmax(logitsOf(config, given.params, given.patches)),
    inputs,
  );
  const { data } = (await program.run(inputs)) as FloatTensor;
  await program.dispose();
  return [...data];
}

describe("classify", () => {
  it("gives the model's own probabilities, window by window over the whole film, and their mean", async () => {
    const saved = randomClassifier();
    if (!("classifier" in saved)) throw new Error("it is one");
    const { params } = saved.classifier;
    const { files, leftOut } = await classify([film()], { model: saved, count: 3 });
    expect(leftOut).toEqual([]);
    const [{ windows, labels, link }] = files;
    expect(link).toBe("softmax");
    expect(windows.map(({ start, end }) => [start, end].map((time) => Math.round(100 * time) / 100))).toEqual([
      ...[0, 0.96, 1.92, 2.88].map((start) => [start, start + 0.96].map((time) => Math.round(100 * time) / 100)),
      // What is left after whole windows is the end of one that ends with the film.
      [3.04, 4],
    ]);
    const clips = await windowsOf(film());
    const expected: number[][] = [];
    for (const clip of clips) expected.push(await probabilitiesOf(params, clip));
    for (const [n, window] of windows.entries()) {
      expect(window.mode).toBe("multimodal");
      for (const { label, probability } of window.labels) {
        expect(probability).toBeCloseTo(expected[n][classes.indexOf(label)], 5);
      }
    }
    for (const { label, probability } of labels) {
      const mean = expected.reduce((sum, row) => sum + row[classes.indexOf(label)] / expected.length, 0);
      expect(probability).toBeCloseTo(mean, 5);
    }
    expect(labels.map(({ probability }) => probability)).toEqual(
      labels.map(({ probability }) => probability).sort((x, y) => y - x),
    );
  });

  it("makes the passes of missing modalities for what has one of the two, or is asked by one", async () => {
    const model = randomClassifier({ loss: { kind: "binary-cross-entropy" } });
    const run = async (file: string, by?: "audio" | "visual") => (await classify([file], { model, by })).files[0];
    expect(new Set((await run(at("noise.wav"))).windows.map(({ mode }) => mode))).toEqual(new Set(["missing-visual"]));
    expect((await run(at("silent.mp4"))).windows[0].mode).toBe("missing-audio");
    expect((await run(at("still.png"))).windows).toMatchObject([{ mode: "missing-audio", start: 0, end: 0 }]);
    const [bySound, byPicture, both] = [await run(film(), "audio"), await run(film(), "visual"), await run(film())];
    expect(bySound.windows[0].mode).toBe("missing-visual");
    expect(byPicture.windows[0].labels).toEqual((await run(at("silent.mp4"))).windows[0].labels);
    expect(both.link).toBe("sigmoid");
    expect(both.windows[0].labels).not.toEqual(bySound.windows[0].labels);
  });

  it("refuses a model without classes and a list of another length in words that say what to do", async () => {
    await expect(classify([film()], { model: randomModel })).rejects.toThrow(
      "classify: the model is pretrained and has no classes. Train a head on labelled clips first (kdc-mae finetune",
    );
    const model = randomClassifier();
    await expect(classify([film()], { model, classes: ["a", "b"] })).rejects.toThrow(
      "it names 2 classes, and the model has 3",
    );
    const { files } = await classify([film()], { model, classes: ["x", "y", "z"], count: 1 });
    expect(["x", "y", "z"]).toContain(files[0].labels[0].label);
    const audioOnly = randomClassifier({ mode: "audio-only" });
    await expect(classify([film()], { model: audioOnly, by: "visual" })).rejects.toThrow(
      "fine-tuned with mode audio-only",
    );
    expect((await classify([at("silent.mp4")], { model: audioOnly })).leftOut[0].message).toContain("it has no sound");
  });
});

/** Mean colour of a patch of the middle square, in its outer part: maps are enlarged with their corners aligned. */
function colourAt({ width, height, data }: Frame, row: number, column: number): number[] {
  const [side, left] = [height / 4, (width - height) / 2];
  const [from, to] = row < 2 ? [0.1, 0.35] : [0.65, 0.9];
  const sums = [0, 0, 0];
  let count = 0;
  for (let y = Math.ceil((row + from) * side); y < (row + to) * side; y++) {
    for (let x = Math.ceil(left + (column + from) * side); x < left + (column + to) * side; x++) {
      for (const c of sums.keys()) sums[c] += data[3 * (y * width + x) + c];
      count++;
    }
  }
  return sums.map((sum) => sum / count);
}

describe("localize", () => {
  it("points at what sounds, at the right place and time, in JSON, film and pictures", async () => {
    const { files, leftOut } = await localize([film()], {
      ...{ model: redIsLoud(), every: 0.24, out: at("overlay.mp4"), pictures: at("where") },
    });
    expect(leftOut).toEqual([]);
    const [{ steps, size, looked, scale }] = files;
    expect([size, looked]).toEqual([
      { width: 160, height: 90 },
      { x: 35, y: 0, width: 90, height: 90 },
    ]);
    const sounding = steps.filter(({ time }) => time < 2.7);
    expect(sounding.length).toBeGreaterThan(9);
    for (const { time, region, peak } of sounding) {
      const [x, y] = time < 2 ? [35, 0] : [102.5, 67.5];
      expect([time, region, peak]).toEqual([time, { x, y, width: 22.5, height: 22.5 }, { x: x + 11.25, y: y + 11.25 }]);
    }
    // In silence the red patch is the last to be taken for the sound.
    for (const { time, region, confidence } of steps.filter(({ time }) => time > 3.3)) {
      expect([time, confidence < sounding[0].confidence - 0.1]).toEqual([time, true]);
      expect(region).not.toMatchObject({ x: 102.5, y: 67.5, width: 22.5, height: 22.5 });
    }
    expect(scale[1]).toBeCloseTo(Math.max(...steps.map(({ confidence }) => confidence)), 6);

    const times = [0.6, 1.56, 2.52, 3.72];
    const item = (path: string) => ({ id: path, path, labels: [] });
    const [over, under] = await Promise.all(
      [at("overlay.mp4"), film()].map((path) => decoder.decodePictures(item(path), { times })),
    );
    const places = times.map((time) => Math.floor(time / 0.24));
    const names = (await readdir(at("where"))).sort();
    expect(names).toHaveLength(16);
    const stills = await Promise.all(
      places.map(async (place) => decodePicture(await readFile(at("where", names[place])), "still")),
    );
    for (const shown of [over, stills]) {
      for (const [n, time] of times.entries()) {
        const [row, column] = time < 2 ? [0, 0] : [3, 3];
        const lit = (picture: Frame, r: number, c: number) => colourAt(picture, r, c)[1] - colourAt(under[n], r, c)[1];
        const hot = lit(shown[n], row, column);
        const opposite = lit(shown[n], 3 - row, 3 - column);
        // While it sounds the red patch is hot and what is grey cold; in silence it is the coldest of all.
        const right = time < 3 ? hot > 50 && opposite < 40 : hot < 40 && hot < opposite;
        expect([time, hot, opposite, right]).toEqual([time, hot, opposite, true]);
      }
    }
    const [heard, own] = await Promise.all(
      [at("overlay.mp4"), film()].map((path) => decoder.decodeSound(item(path), { sampleRate: 16_000 })),
    );
    const loud = (samples: Float32Array, from: number) =>
      Math.hypot(...samples.subarray(16_000 * from, 16_000 * (from + 0.5))) / 90;
    for (const from of [0.5, 2.2, 3.4]) {
      expect(Math.abs(loud(heard.samples, from) - loud(own.samples, from))).toBeLessThan(0.05);
    }
    expect((await decoder.probe(at("overlay.mp4"))).duration).toBeCloseTo(4, 1);
    expect(steps.map(({ picture }) => picture)).toEqual(
      steps.map(({ time }) => names[Math.min(names.length - 1, Math.floor(time / 0.24))]),
    );
  });

  it("looks for another sound in silent films and stills, and for none in them otherwise", async () => {
    const model = redIsLoud();
    const query = at("noise.wav");
    const { files } = await localize([at("silent.mp4"), at("still.png")], { model, query, pictures: at("asked") });
    expect(files.map(({ steps }) => steps[0].region)).toEqual(
      Array(2).fill({ x: 35, y: 0, width: 22.5, height: 22.5 }),
    );
    expect(files[0].steps.at(-1)?.region).toEqual({ x: 102.5, y: 67.5, width: 22.5, height: 22.5 });
    expect(await readdir(at("asked", "still"))).toEqual(["000000.png"]);
    const { leftOut } = await localize([at("silent.mp4"), at("noise.wav")], { model });
    expect(leftOut.map(({ reason }) => reason)).toEqual(["no-audio", "no-video"]);
    expect(leftOut[0].message).toContain("it has no sound of its own to look for. Say which with --query");
  });

  it("never writes over what it reads", async () => {
    await expect(localize([film()], { model: redIsLoud(), out: film() })).rejects.toThrow("film.mp4 is read, too");
    await expect(localize([film(), at("silent.mp4")], { model: redIsLoud(), out: "x.mp4" })).rejects.toThrow(
      "--out x.mp4: there are 2 files, and this names one to write",
    );
  });
});

describe("files that cannot be used", () => {
  const hostile = () => ["text.mp4", "missing.mp4", "folder.mp4", "short.wav", "huge.ppm"].map((name) => at(name));

  it.each([
    ["classify", (files: readonly string[]) => classify(files, { model: randomClassifier() })],
    ["localize", (files: readonly string[]) => localize(files, { model: redIsLoud() })],
    ["inpaint", (files: readonly string[]) => inpaint(files, { model: randomModel })],
  ])("%s says one sentence about each, and the others go on", async (_, call) => {
    const { files, leftOut } = await call([...hostile(), film()]);
    expect(files.map(({ file }) => file)).toEqual([film()]);
    expect(leftOut.map(({ file }) => file)).toEqual(hostile());
    for (const { file, message } of leftOut) {
      expect(message.startsWith(`${file}: `)).toBe(true);
      expect(message).not.toContain("\n");
    }
  });

  it("stops where it is told to", async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(classify([film()], { model: randomClassifier(), signal: controller.signal })).rejects.toThrow();
  });
});
