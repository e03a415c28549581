import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, type FloatTensor, treeLeaves } from "@kdc-mae/core";
import { createWebGpuRuntime, type Execute, eager } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { initClassifier, initModel } from "@kdc-mae/model";
import { expect, it } from "vitest";
import { clipFormFor } from "../corpus/clip-form.js";
import { memorySet } from "../corpus/clip-set.js";
import { clipsInMemory } from "../corpus/training-clips.js";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import { fineTune } from "../finetune/fine-tune.js";
import { labelledBatches, recipeOf } from "../finetune/labelled-batches.js";
import { classes, config, form, madeClip, statistics, tinyWith } from "../finetune/made-clips.test.support.js";
import { openRunFolder } from "../run/run-folder.js";
import { openCutting } from "./cutting.js";
import { protocolsNamed, runProtocols } from "./protocols/run.js";

/** The self-test has a test of its own. */
const device = await createWebGpuRuntime({ tested: { has: async () => true, add: async () => undefined } }).catch(
  (error: Error) => error.message,
);
if (typeof device === "string") console.info(`skipped on WebGPU: ${device}`);
const isHere = typeof device !== "string";
const onDevice = isHere ? device.execute : eager("cpu");
const traffic = () => (isHere ? device.traffic().bytes : 0);

const many = (from: number, count: number) => Array.from({ length: count }, (_, at) => madeClip(from + at));
const params = initModel(config, createRng(2));
const weightBytes = treeLeaves<FloatTensor>(params).reduce((sum, [, { data }]) => sum + data.byteLength, 0);

const clipBytes = 4 * (12 * 256 + 16 * 432);

/** Figures of a protocol, by name; clips one at a time. */
async function figures(name: string, execute: Execute) {
  const sets = { train: memorySet(many(0, 13)), validation: memorySet(many(50, 5)), test: memorySet(many(100, 17)) };
  const experiment = checkExperiment(named.demo, "test");
  const [{ figures }] = await runProtocols(protocolsNamed([name]), {
    ...{ saved: { model: { config, statistics, params, experiment } }, execute, sets, split: "test" },
    ...{ leftOut: {}, denormalize: false, cutting: openCutting(clipFormFor(config), { statistics, batch: 1 }) },
    onProgress: () => undefined,
  });
  return figures.map(({ key, value }) => [key, value] as const);
}

it.skipIf(!isHere).each(["retrieval-middle-frame", "inpainting-frequency-50"])(
  "evaluate, %s: the processor's figures, and the weights are sent once",
  { timeout: 900_000 },
  async (name) => {
    const before = traffic();
    const [there, sent] = [await figures(name, onDevice), traffic() - before];
    const here = await figures(name, compiled({ threads: 1 }));
    expect(there.map(([key]) => key)).toEqual(here.map(([key]) => key));
    let worst = 0;
    for (const [index, [key, value]] of here.entries()) {
      const apart = Math.abs((there[index][1] ?? 0) - (value ?? 0)) / Math.max(1e-3, Math.abs(value ?? 0));
      expect(apart, key).toBeLessThan(1e-4);
      worst = Math.max(worst, apart);
    }
    console.info(
      `${name}: ${here.length} figures, worst difference ${worst.toExponential(1)}; ${sent} bytes, weights ${weightBytes}`,
    );
    // With weights sent for every one of 17 clips it would be 17 times their bytes, and the clips'.
    expect(sent).toBeGreaterThan(weightBytes);
    expect(sent).toBeLessThan(weightBytes + 17 * 3 * clipBytes);
    expect(weightBytes + 17 * 3 * clipBytes).toBeLessThan(10 * weightBytes);
  },
);

it.skipIf(!isHere)("finetune: the processor's losses and weights", { timeout: 900_000 }, async () => {
  const experiment = tinyWith({ mode: "audio-only", training: { batch: 5, epochs: 1 }, averaging: undefined });
  const root = await mkdtemp(join(tmpdir(), "kdc-device-"));
  const tune = async (execute: Execute, name: string) => {
    const totals: number[] = [];
    const clips = clipsInMemory(many(0, 17), form);
    const source = labelledBatches(await clips.open({ ...recipeOf(experiment, { statistics, classes }), workers: 0 }));
    const result = await fineTune({
      ...{ experiment, config, params: initClassifier(config, 3, createRng(5)), source, execute },
      folder: await openRunFolder(join(root, name), experiment),
      onStep: ({ total }) => totals.push(total),
      evaluate: async () => ({ score: 0.5, figures: { accuracy: 0.5 } }),
      keepBest: async () => undefined,
      saveModel: async () => undefined,
    });
    return { totals, params: treeLeaves<FloatTensor>(result.params) };
  };
  const [there, here] = [await tune(onDevice, "there"), await tune(compiled({ threads: 1 }), "here")];
  await rm(root, { recursive: true });
  expect(here.totals.length).toBe(3);
  for (const [index, total] of here.totals.entries()) expect(there.totals[index] / total).toBeCloseTo(1, 4);
  for (const [index, [path, { data }]] of here.params.entries()) {
    const apart = Math.max(...data.map((value, i) => Math.abs(value - there.params[index][1].data[i])));
    // Adam divides by the gradient's own size: where that is rounding alone, a step is as long as any other.
    expect(apart, path).toBeLessThan(2e-3);
  }
});
