import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  audioGrid,
  createRng,
  type FloatTensor,
  float32,
  isKdcError,
  type Patches,
  treeLeaves,
  visualGrid,
} from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { eager } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { attentionEntropy } from "@kdc-mae/eval";
import { attentionEntropies, type EncoderParams, initModel } from "@kdc-mae/model";
import type { Tensor } from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clipFormFor } from "../corpus/clip-form.js";
import { heldClips } from "../corpus/held-clips.js";
import { openCutting } from "../evaluate/cutting.js";
import { withChanges } from "../experiment/change.js";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import { readEvents } from "../log/events-file.js";
import { maskedSource } from "../pretrain/masked-batches.js";
import { maskerFor } from "../pretrain/masker.js";
import { pretrainSteps } from "../pretrain/pretrain.js";
import { configFor } from "../run/model-file.js";
import { openRunFolder } from "../run/run-folder.js";
import { type HeldOut, heldOutClips, heldOutOf } from "./held-out.js";

const grids = { audio: audioGrid(48, 32, 16), visual: visualGrid(48, 16) };
const experiment = checkExperiment(
  withChanges(named.demo, {
    ...{ name: "tiny", seed: 3 },
    model: {
      ...grids,
      embedDim: 24,
      heads: 3,
      visualLocality: [0.5, 0.2, 0],
      modalityDepth: 1,
      decoderDim: 16,
      decoderHeads: 2,
      decoderDepth: 1,
    },
    masking: { audioRatio: 0.5, visualRatio: 0.6 },
    training: { batch: 5, epochs: 4, probes: { every: 2, clips: 11, pictures: 3 } },
  }),
  "probe.test.ts",
);
const config = configFor(experiment);
const statistics = { mean: 0, std: 1 };
const clips = Array.from({ length: 26 }, (_, index): StoredClip => {
  const rng = createRng(index);
  return {
    item: { id: `clip-${index}`, path: "", labels: [index % 2 === 0 ? "bell" : "drum"] },
    spectrogram: float32(
      [48, 32],
      Float32Array.from({ length: 48 * 32 }, () => rng.normal()),
    ),
    frames: [Uint8Array.from({ length: 48 * 48 * 3 }, () => rng.integer(256))],
    times: [0],
    original: { width: 48, height: 48 },
  };
});

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-probe-"));
});
afterAll(() => rm(root, { recursive: true }));

const heldOut = { clips: clips.slice(15), recordings: clips.slice(15).map((_, place) => place) };
async function run(name: string, looked?: HeldOut, own = experiment) {
  const folder = await openRunFolder(join(root, name), own);
  // A clock on which looks take no time, so that none is passed over.
  let steps = 0;
  const { params } = await pretrainSteps({
    ...{ statistics, experiment: own, config: configFor(own), execute: compiled({ threads: 1 }), folder },
    heldOut: looked,
    clock: () => 1e6 * steps,
    onStep: ({ step }) => {
      steps = step;
    },
    source: maskedSource(
      await heldClips(clips.slice(0, 15), clipFormFor(grids)).open({ statistics, batch: 5, seed: 3 }),
      { grids, masker: maskerFor(own), seed: 3 },
    ),
  });
  return { folder, weights: treeLeaves<FloatTensor>(params).map(([path, { data }]) => [path, ...data]) };
}

describe("a run that is looked at", () => {
  it("ends with the same weights, and has figures and pictures every so many steps", async () => {
    const looked = await run("looked", heldOut);
    expect(looked.weights).toEqual((await run("alone")).weights);
    const records = await readEvents(looked.folder.path);
    const probes = records.flatMap((record) => (record.kind === "probe" ? [record] : []));
    expect(records.some((record) => record.kind === "warning" && record.sign === "uniformity")).toBe(false);
    expect(probes.map(({ step }) => step)).toEqual([2, 4, 6, 8, 10, 12]);
    for (const { probe, attentionEntropy: entropies } of probes) {
      expect(probe).toMatchObject({ clips: 11, width: 24, retrieval: { chance: 1 / 11 }, accuracy: { scored: 5 } });
      for (const rank of Object.values(probe.rank)) {
        expect(rank).toBeGreaterThan(1);
        expect(rank).toBeLessThan(11);
      }
      expect(entropies).toHaveLength(config.jointDepth);
      for (const value of entropies) {
        expect(value).toBeGreaterThan(0.5);
        expect(value).toBeLessThanOrEqual(1);
      }
    }
    // It learns: looks are of the model as it is at their step.
    expect(probes[5].probe.rank.joint).not.toBe(probes[0].probe.rank.joint);
    const pictures = records.flatMap((record) => (record.kind === "pictures" ? [record] : []));
    expect(pictures.map(({ step }) => step)).toEqual([2, 4, 6, 8, 10, 12]);
    // Frame, two views and what each makes of it, heat; the sound as it is, seen, made.
    const [first, second] = pictures[0].pictures;
    expect(pictures[0].pictures).toHaveLength(6);
    expect(first).toMatchObject({ width: 6 * 48, height: 48, file: "pictures/step-00000002-0-picture.png" });
    expect(second).toMatchObject({ width: 3 * 48, height: 32 });
    const png = await readFile(join(looked.folder.path, first.file));
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([first.width, first.height]);
  });
});

describe("a run whose views a network draws", () => {
  it("is looked at with its probabilities, and ends with the same weights", async () => {
    const adaptive = checkExperiment(
      withChanges(experiment, {
        name: "adaptive",
        masking: { kind: "adaptive", audioRatio: 0.75, visualRatio: 0.75 },
        objective: [...experiment.objective, { term: "patch-sampling", weight: 1e-4 }],
        training: { epochs: 1, probes: { every: 3, clips: 8, pictures: 2 } },
      }),
      "probe.test.ts",
    );
    const looked = await run("adaptive-looked", heldOut, adaptive);
    expect(looked.weights).toEqual((await run("adaptive-alone", undefined, adaptive)).weights);
    const [record] = (await readEvents(looked.folder.path)).flatMap((one) => (one.kind === "pictures" ? [one] : []));
    expect(record.pictures.map(({ name }) => name.replace(/^.*: (bell|drum), /, ""))).toEqual([
      ...[
        "picture; what each view sees and makes of it; where it is heard",
        "sound; what a view hears and makes of it",
      ],
      ...["picture; how likely each patch is seen", "sound; how likely each patch is heard"],
      ...[
        "picture; what each view sees and makes of it; where it is heard",
        "sound; what a view hears and makes of it",
      ],
      ...["picture; how likely each patch is seen", "sound; how likely each patch is heard"],
    ]);
    expect(record.pictures[2]).toMatchObject({ width: 48, height: 48 });
    expect(record.pictures[3]).toMatchObject({ width: 48, height: 32 });
  });
});

describe("a run that collapses", () => {
  it("is told apart from one that learns, and ended where it is to be", async () => {
    const change = {
      objective: [{ term: "view-distillation", weight: 10 }],
      optimizer: { learningRate: 0.02 },
      schedule: { kind: "constant" },
      training: { epochs: 60, probes: { every: 10, pictures: 0 } },
    };
    const collapsing = checkExperiment(withChanges({ ...experiment, teacher: undefined }, change), "probe.test.ts");
    const folder = await openRunFolder(join(root, "collapsing"), collapsing);
    let steps = 0;
    const ended = pretrainSteps({
      ...{
        statistics,
        experiment: collapsing,
        config,
        execute: compiled({ threads: 1 }),
        folder,
        stopOnCollapse: true,
      },
      heldOut,
      clock: () => 1e6 * steps,
      onStep: ({ step }) => {
        steps = step;
      },
      source: maskedSource(
        await heldClips(clips.slice(0, 15), clipFormFor(grids)).open({ statistics, batch: 5, seed: 3 }),
        { grids, masker: maskerFor(experiment), seed: 3 },
      ),
    });
    const error = await ended.catch((thrown: unknown) => thrown);
    const records = await readEvents(folder.path);
    expect(isKdcError(error) && error.reason).toBe("collapsed");
    expect(String(error)).toContain("joint embeddings lie in one place");
    expect(steps).toBeLessThan(180);
    expect(records.some((record) => record.kind === "warning" && record.sign === "uniformity")).toBe(true);
    expect(records.at(-1)).toMatchObject({ kind: "end", state: "collapsed", step: steps });
  });
});

describe("attention entropy", () => {
  const { cutter } = openCutting(clipFormFor(grids), { statistics, batch: 3 });
  const entropiesOf = async (encoder: EncoderParams<FloatTensor>, execute = eager("cpu")) => {
    type Inputs = { params: { encoder: EncoderParams<Tensor> }; patches: Patches };
    const patches = await cutter.cut(clips.slice(0, 3).map((clip) => ({ clip, picture: 0 })));
    const inputs = { params: { encoder }, patches };
    const program = await execute(
      ({ params, patches: given }: Inputs) => attentionEntropies(config, params, given),
      inputs as never,
    );
    const made = (await program.run(inputs as never)) as unknown as FloatTensor;
    await program.dispose();
    return made;
  };

  it("is that of the formula for attention that looks everywhere alike, and for one that looks at one token", async () => {
    const { encoder } = initModel(config, createRng(1));
    const N = 6 + 9;
    for (const { attention } of encoder.joint.blocks) attention.qkv.weight.data.fill(0);
    const even = await entropiesOf(encoder);
    expect(even.shape).toEqual([config.jointDepth, config.heads]);
    const uniform = { shape: [N, N], data: new Float32Array(N * N).fill(1 / N) };
    for (const value of even.data) expect(value).toBeCloseTo(attentionEntropy(uniform), 5);
  });

  it("is the same compiled, between 0 and 1, and falls where queries and keys grow", async () => {
    const { encoder } = initModel(config, createRng(1));
    const before = await entropiesOf(encoder);
    const ran = await entropiesOf(encoder, compiled({ threads: 1 }));
    for (const [index, value] of before.data.entries()) expect(ran.data[index]).toBeCloseTo(value, 5);
    for (const { attention } of encoder.joint.blocks) {
      const { data } = attention.qkv.weight;
      for (let i = 0; i < (2 * data.length) / 3; i++) data[i] *= 40;
    }
    const after = await entropiesOf(encoder);
    for (const [index, value] of after.data.entries()) expect(value).toBeLessThan(before.data[index] - 0.1);
  });
});

describe("held-out clips", () => {
  const probes = { ...experiment.training.probes, every: 2, clips: 11, split: "validation", pictures: 0 };
  const asked = (split: string, data = {}) =>
    heldOutClips(
      { ...experiment, data: { kind: "synthetic", train: 8, validation: 4, test: 4, ...data } as never },
      { ...probes, split },
      config,
      { media: join(root, "media") },
    );
  it.each(["test", "Testing", "eval"])("are never those of %s", async (split) => {
    await expect(asked(split)).rejects.toThrow(
      `training.probes: split is "${split}", and test clips are for the end. Take validation clips`,
    );
  });
  it("are never those that are trained on", async () => {
    await expect(asked("train")).rejects.toThrow('training.probes: split is "train", which is trained on');
  });
  it("are told apart by the film that they are windows of", () => {
    const parts = clips.slice(0, 6).map((clip, at) => {
      const part = { id: `w${at}`, path: `/film-${at % 2}.mp4`, start: at, end: at + 1 };
      return { ...clip, item: { ...clip.item, ...part } };
    });
    const looked = heldOutOf({ validation: parts } as never, { ...probes, clips: 6 }, {});
    expect(looked?.recordings).toEqual(Int32Array.of(0, 1, 0, 1, 0, 1));
    expect(heldOutOf({ validation: clips.slice(0, 3) } as never, probes, {})?.recordings).toEqual(
      Int32Array.of(0, 1, 2),
    );
  });
});
