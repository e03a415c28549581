import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng } from "@kdc-mae/core";
import { initModel, presets } from "@kdc-mae/model";
import { saveCheckpoint } from "@kdc-mae/model/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkFineTuning } from "./check.js";
import { absentClasses, expectClasses } from "./classes.js";
import { config, tiny, tinyWith } from "./made-clips.test.support.js";
import { loadFineTuning, namedFineTunings } from "./named.js";
import { openFineTuningData } from "./open-data.js";
import { readStart } from "./start.js";
import { unreadIn } from "./unread.js";

let folder = "";
let checkpoint = "";
let foreign = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-finetune-words-"));
  checkpoint = join(folder, "pretrained.safetensors");
  foreign = join(folder, "foreign.safetensors");
  await saveCheckpoint(checkpoint, config, initModel(config, createRng(1)), {
    metadata: { statistics: '{"mean":-7,"std":3}' },
  });
  const { writeTensors } = await import("@kdc-mae/model/node");
  const { stateDict } = await import("@kdc-mae/model");
  await writeTensors(foreign, stateDict(config, initModel(config, createRng(1))));
});
afterAll(() => rm(folder, { recursive: true }));

describe("the checkpoint", () => {
  it("says its size and statistics", async () => {
    const start = await readStart(tinyWith({}), checkpoint);
    expect([start.config, start.statistics]).toEqual([config, { mean: -7, std: 3 }]);
  });

  it("of another size is refused, field by field", async () => {
    const experiment = tinyWith({
      model: {
        preset: "tiny",
        audio: config.audio,
        visual: config.visual,
        heads: 3,
        embedDim: 36,
        jointDepth: 2,
        modalityDepth: 1,
      },
    });
    await expect(readStart(experiment, checkpoint)).rejects.toThrow(
      `checkpoint ${checkpoint}: it is of another size than the experiment: embedDim is 24, not 36. Give a checkpoint of the experiment's size, or leave model out of the experiment (--set model=null)`,
    );
  });

  it("that says no size needs one from the experiment", async () => {
    await expect(readStart(tinyWith({}), foreign)).rejects.toThrow(
      /^checkpoint .+: its \d+ sound patches of 16 × 16 do not make a whole spectrogram of 128 mel bins/,
    );
    await expect(readStart(tinyWith({ model: { preset: "tiny" } }), foreign)).rejects.toThrow(
      new RegExp(`^checkpoint ${foreign}: it is of another size than the model: embedDim is 24, not 64; `),
    );
    await expect(readStart(tinyWith({}), undefined)).rejects.toThrow(
      "neither --init nor the experiment says what size",
    );
  });

  it("may be left out: the encoder starts from nothing", async () => {
    const start = await readStart(tinyWith({ model: { preset: "tiny" } }), undefined);
    expect([start.config, start.notes]).toEqual([presets.tiny, ["the encoder starts from nothing"]]);
  });
});

it("statistics that nobody says are asked for before any clip is looked at", async () => {
  const data = { kind: "manifest" as const, path: join(folder, "nowhere.csv") };
  await expect(
    openFineTuningData(tinyWith({ data, audio: { statistics: "checkpoint" } }), config, { media: folder }),
  ).rejects.toThrow("the checkpoint does not say with what mean and deviation");
});

it("a split that the data do not have is named before any clip is decoded", async () => {
  const path = join(folder, "list.csv");
  await writeFile(path, "path,labels,split\nnowhere.mp4,bell,train\nnowhere2.mp4,drum,test\n");
  const experiment = tinyWith({ data: { kind: "manifest", path }, evaluation: { split: "validation" } });
  await expect(
    openFineTuningData(experiment, config, { media: folder, statistics: { mean: -5, std: 4 } }),
  ).rejects.toThrow("no clip is of the validation split (clips by split: test 1, train 1). Say which");
});

it("clips that make no update are counted before any is decoded", async () => {
  const path = join(folder, "few.csv");
  await writeFile(path, "path,labels,split\na.mp4,bell,train\nb.mp4,drum,train\nc.mp4,drum,train\nd.mp4,bell,val\n");
  const opening = (training: { batch: number; accumulate?: number; epochs: number }, update?: typeof training) =>
    openFineTuningData(tinyWith({ data: { kind: "manifest", path }, training }), config, {
      ...{ media: folder, statistics: { mean: -5, std: 4 } },
      ...(update === undefined ? {} : { update: { accumulate: 1, ...update } }),
    });
  await expect(opening({ batch: 4, epochs: 9 })).rejects.toThrow("there are 3 clips and a batch takes 4");
  await expect(opening({ batch: 2, accumulate: 2, epochs: 9 })).rejects.toThrow(
    "an epoch has 1 batch and training.accumulate takes 2 for one update",
  );
  // A batch that is computed in pieces is told of whole.
  await expect(opening({ batch: 2, epochs: 9 }, { batch: 4, epochs: 9 })).rejects.toThrow("a batch takes 4");
});

describe("labels", () => {
  const clips = [
    { id: "a", labels: ["bell"] },
    { id: "b", labels: ["drum", "siren"] },
  ];

  it("that are no classes are named", () => {
    expect(() => expectClasses("validation clips", clips, ["bell", "drum"], "any")).toThrow(
      "validation clips: labels that are none of the 2 classes: siren; the classes are bell, drum. Correct the labels, or give a list of all classes",
    );
  });

  it("of one class leave nothing to tell apart", () => {
    expect(() => expectClasses("training clips", clips.slice(0, 1), ["bell"], "any")).toThrow(
      "training clips: every clip is labelled bell: there is nothing to tell apart. Give clips of at least two classes",
    );
  });

  it("are one each under cross-entropy", () => {
    const all = ["bell", "drum", "siren"];
    expect(() => expectClasses("training clips", clips, all, "one")).toThrow(
      "clip b has 2 labels (drum, siren), and cross-entropy takes exactly one. Label every clip once, or set loss.kind to binary-cross-entropy",
    );
    expect(() => expectClasses("training clips", [{ id: "c", labels: [] }], all, "any")).toThrow("clip c has no label");
  });

  it("that no clip has are told", () => {
    expect(absentClasses("test", clips, ["bell", "drum", "horn", "siren"])).toBe(
      "1 of 4 classes have no test clip: horn",
    );
    expect(absentClasses("test", clips, ["bell", "drum", "siren"])).toBeUndefined();
  });
});

describe("the experiment", () => {
  it.each(Object.keys(namedFineTunings))("%s is one", async (name) => {
    expect((await loadFineTuning(name)).name).toBe(name);
  });

  it("names unknown keys and allowed values", () => {
    expect(() => checkFineTuning({ ...tiny, mode: "both" }, "file.ts")).toThrow(
      'mode must be one of "multimodal", "audio-only", "visual-only"',
    );
    expect(() => checkFineTuning({ ...tiny, freeze: true }, "file.ts")).toThrow('has no "freeze"');
    expect(() => checkFineTuning({ ...tiny, averaging: { from: 2, to: 4 } }, "file.ts")).toThrow(
      "averaging.to: it is 4 and training.epochs is 3: give an earlier epoch",
    );
  });

  it("has no rates by layer where layers are frozen, and is told of sound that nobody hears", () => {
    const frozen = tinyWith({ tune: "linear-probe", optimizer: { learningRate: 1e-3, layerDecay: 0.75 } });
    expect(() => unreadIn(frozen)).toThrow("optimizer.layerDecay: tune is linear-probe: the encoder is frozen");
    expect(unreadIn(tinyWith({ optimizer: { learningRate: 1e-3, layerDecay: 0.75 } }))).toEqual([]);
    const audio = { noise: true, specAugment: { frequency: 4, time: 4 } };
    expect(unreadIn(tinyWith({ mode: "visual-only", audio }))).toEqual([
      "a visual-only classifier hears nothing: audio.noise and audio.specAugment change nothing",
    ]);
    expect(unreadIn(tinyWith({ mode: "audio-only", audio }))).toEqual([]);
    expect(unreadIn(tinyWith({ mode: "audio-only", evaluation: { frames: "all" } }))).toEqual([
      "an audio-only classifier sees nothing: evaluation.frames changes nothing",
    ]);
  });

  it("by an unknown name lists those there are", async () => {
    await expect(loadFineTuning("kinetics")).rejects.toThrow(
      /neither a named experiment nor a file. Use one of demo-finetune, vggsound, audioset-20k, audioset-2m, or/,
    );
  });
});
