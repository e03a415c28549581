import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng } from "@kdc-mae/core";
import { countParameters, initModel, parameterCount, presets } from "@kdc-mae/model";
import { describe, expect, it } from "vitest";
import { ablate } from "../ablate/ablate.js";
import { workOutArms } from "../ablate/arms.js";
import { checkAblation } from "../ablate/load.js";
import { pretrain } from "../pretrain/from-experiment.js";
import { planPretraining } from "../pretrain/plan.js";
import { parseChange } from "./change.js";
import { loadExperiment } from "./load.js";
import { estimateMemory, expectRoom, inWords, sumOf } from "./memory.js";

describe("parameterCount", () => {
  it.each(["fixed", "learned"] as const)("counts a model with %s positions without making it", (positions) => {
    const config = { ...presets.tiny, positions };
    const made = initModel(config, createRng(1));
    expect(parameterCount(config)).toEqual({ all: countParameters(made), encoder: countParameters(made.encoder) });
  });

  it("knows the paper's model", () => expect(Math.round(parameterCount(presets.base).all / 1e6)).toBe(190));
});

describe("estimateMemory", () => {
  it("grows with the batch by activations alone, with clips by data alone, and twice with a teacher's needs", async () => {
    const experiment = await loadExperiment("demo");
    const more = { ...experiment, training: { ...experiment.training, batch: 2 * experiment.training.batch } };
    const [one, two] = [estimateMemory(experiment, presets.base, 10), estimateMemory(more, presets.base, 10)];
    expect(two.activations).toBe(2 * one.activations);
    expect({ ...two, activations: 0, data: 0 }).toEqual({ ...one, activations: 0, data: 0 });
    expect(one.parameters).toBe(4 * parameterCount(presets.base).all);
    const clips = estimateMemory(experiment, presets.base, 1010).data - one.data;
    // Ten pictures of 224 × 224, a spectrogram of 1024 × 128, and what is said of a clip.
    expect(clips).toBe(1000 * (3 * 224 * 224 * (experiment.visual.framesPerClip ?? 10) + 4 * 1024 * 128 + 1000));
    const teacher = estimateMemory({ ...experiment, teacher: { momentum: 0.9 } }, presets.base, 10);
    expect(teacher.optimizer - one.optimizer).toBe(4 * parameterCount(presets.base).encoder);
  });

  it("counts one working block and the inputs of all where gradients make blocks again", async () => {
    const experiment = await loadExperiment("kdc-mae-base");
    const again = { ...experiment, training: { ...experiment.training, gradientCheckpointing: "blocks" as const } };
    const [all, inputs] = [estimateMemory(experiment, presets.base, 10), estimateMemory(again, presets.base, 10)];
    expect({ ...inputs, activations: 0 }).toEqual({ ...all, activations: 0 });
    expect(inputs.activations / all.activations).toBeLessThan(0.25);
  });

  it("is what the page of measured peaks says, and lies within a factor of two of them", async () => {
    const experiment = await loadExperiment("demo");
    const page = await readFile(new URL("../../../../../docs/measurements/reliability.md", import.meta.url), "utf8");
    const rows = [...page.matchAll(/^\| (tiny|small|base) \| (\d+) \| ([\d,]+) MB \| ([\d,]+) MB \|$/gm)];
    /** Clips of each of those runs: two batches to train on, and one to validate and to test. */
    const clips = [18, 130, 6, 18, 4, 10];
    expect(rows).toHaveLength(clips.length);
    for (const [at, [row, preset, batch, ...figures]] of rows.entries()) {
      const [peak, told] = figures.map((text) => Number(text.replaceAll(",", "")));
      const training = { ...experiment.training, batch: Number(batch) };
      const estimate = estimateMemory({ ...experiment, training }, presets[preset as "tiny"], clips[at]);
      const megabytes = Math.round(sumOf(estimate) / 1e6);
      expect([row, megabytes]).toEqual([row, told]);
      expect([row, megabytes / peak > 0.8 && megabytes / peak < 1.6]).toEqual([row, true]);
    }
    // A step of four clips of base with gradient checkpointing: docs/measurements/performance.md.
    const training = { ...experiment.training, batch: 4, gradientCheckpointing: "blocks" as const };
    const ratio = sumOf(estimateMemory({ ...experiment, training }, presets.base, 4)) / 4.66e9;
    expect(ratio > 0.8 && ratio < 1.6).toBe(true);
  });
});

describe("expectRoom", () => {
  it("lets pass what fits, warns of what may not, and refuses what surely does not, with the remedy", async () => {
    const experiment = await loadExperiment("demo");
    const estimate = estimateMemory(experiment, presets.base, 100);
    const sure = sumOf(estimate) - estimate.activations;
    expect(expectRoom(estimate, 1e15)).toBeUndefined();
    expect(expectRoom(estimate, sure + 1)).toContain("take a smaller training.batch with more training.accumulate");
    expect(() => expectRoom(estimate, sure - 1)).toThrow("Take a smaller model");
    const much = estimateMemory(experiment, presets.base, 1e6);
    expect(() => expectRoom(much, 16e9)).toThrow("Prepare the data once (kdc-mae prepare)");
    expect(inWords(estimate, 16e9)).toContain("this process may use 16.0 GB");
  });

  it("plans a run without its media", async () => {
    const experiment = await loadExperiment("demo");
    const { clips, training, steps, flop } = await planPretraining(experiment);
    const { batch, epochs } = experiment.training;
    if (experiment.data.kind !== "synthetic") throw new Error("the demo makes its data");
    expect(steps).toBe(epochs * Math.floor(experiment.data.train / batch));
    expect(clips).toBe(experiment.data.train + experiment.data.validation + experiment.data.test);
    expect(training).toBe(experiment.data.train);
    expect(flop).toBeGreaterThan(1e12);
  });

  it("plans what would be refused as the run refuses it, both before a clip is decoded", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kdc-plan-"));
    try {
      const path = join(folder, "list.csv");
      const clips = ["a.mp4,train", "b.mp4,train", "c.mp4,train", "d.mp4,test"];
      await writeFile(path, `path,split\n${clips.join("\n")}\n`);
      const data = { kind: "manifest", path };
      const refused = async (change: object, words: string, options: { init?: string } = {}) => {
        const experiment = await loadExperiment("demo", [{ data, training: { batch: 2, microBatch: null } }, change]);
        const out = join(folder, "run");
        await expect(planPretraining(experiment, { ...options, out })).rejects.toThrow(words);
        await expect(pretrain(experiment, { ...options, out })).rejects.toThrow(words);
        return experiment;
      };
      await refused({ training: { batch: 4 } }, "there are 3 clips and a batch takes 4");
      const many = await refused(
        { training: { accumulate: 2 } },
        "an epoch has 1 batch and training.accumulate takes 2",
      );
      const arms = [{ name: "a" }, { name: "b", change: { optimizer: { learningRate: 1e-3 } } }];
      const ablation = checkAblation({ name: "few", base: many, arms }, "memory.test.ts");
      const ablating = ablate({ ablation, arms: workOutArms(ablation, many), seeds: [0], out: join(folder, "arms") });
      await expect(ablating).rejects.toThrow("training.accumulate takes 2");
      const absent = join(folder, "absent.safetensors");
      await refused({}, "there is no such file", { init: absent });
      const taught = { objective: [{ term: "teacher-cosine" }], fixedTeacher: { model: absent, sum: "0" } };
      await refused(taught, "there is no such file");
      await mkdir(join(folder, "run"), { recursive: true });
      await writeFile(join(folder, "run", "experiment.json"), JSON.stringify({ ...many, seed: 77 }));
      await writeFile(join(folder, "run", "log.jsonl"), "");
      await refused({}, "it holds a run of another experiment");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("plans a run as it is computed: in pieces, or not at all", async () => {
    const planned = async (change: string) => planPretraining(await loadExperiment("demo", [parseChange(change)]));
    const [whole, pieces] = [await planned("training.microBatch=null"), await planned("training.microBatch=8")];
    expect(pieces.steps).toBe(whole.steps);
    expect(whole.memory.activations / pieces.memory.activations).toBe(
      (await loadExperiment("demo")).training.batch / 8,
    );
    await expect(planned("training.microBatch=7")).rejects.toThrow("which does not divide training.batch");
  });
});
