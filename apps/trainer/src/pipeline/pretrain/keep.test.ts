import {
  createRng,
  type FloatTensor,
  float32,
  type HostPatches,
  type HostTensor,
  mapTree,
  treeLeaves,
} from "@kdc-mae/core";
import { createRunner, createWebGpuRuntime, type Execute, eager, valueAndGradients } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { batchViews } from "@kdc-mae/masking";
import { initModel } from "@kdc-mae/model";
import { describe, expect, it } from "vitest";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import { configFor } from "../run/model-file.js";
import { pretrainLoss } from "./loss.js";
import { maskerFor } from "./masker.js";
import { objectiveFor } from "./objective.js";

/** The demo's model (locality, two views), smaller, with global tokens and registers. */
const experiment = checkExperiment(
  {
    ...named.demo,
    model: {
      ...named.demo.model,
      ...{ embedDim: 16, heads: 4, modalityDepth: 2, jointDepth: 2, decoderDim: 8, decoderHeads: 2, decoderDepth: 2 },
      ...{ globalToken: true, registers: 2 },
      audio: { rows: 3, columns: 5, patch: 2, channels: 1 },
      visual: { rows: 3, columns: 3, patch: 2, channels: 3 },
    },
  },
  "keep",
);
const config = configFor(experiment);
const B = 3;
const rng = createRng("keep");
const normal = (shape: number[]): FloatTensor =>
  float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => rng.normal()),
  );
const patches: HostPatches = { audio: normal([B, 15, 4]), visual: normal([B, 9, 12]) };
const views = batchViews(Array.from({ length: B }, (_, clip) => maskerFor(experiment)!(config, rng.fork(clip))));
// Fresh norms and biases are ones and zeros; every gradient is to depend on all of them.
const model = mapTree(initModel(config, rng), ({ shape, data }: FloatTensor) =>
  float32(
    shape,
    data.map((value) => value + 0.1 * rng.normal()),
  ),
);

/** Every loss and gradient by name. */
async function stepBy(execute: Execute, keep: "all" | "inputs"): Promise<ReadonlyMap<string, HostTensor>> {
  const step = valueAndGradients(pretrainLoss(config, objectiveFor(experiment), { keep }));
  const runner = createRunner(execute, step);
  const made = await runner.run({ model, weighting: {} }, { batch: { patches, views } });
  await runner.dispose();
  return new Map(treeLeaves<HostTensor>(made));
}

const webgpu = await createWebGpuRuntime({ tested: { has: async () => true, add: async () => undefined } }).catch(
  (error: Error) => error.message,
);
if (typeof webgpu === "string") console.info(`skipped on webgpu: ${webgpu}`);

describe("a step that keeps of each block its inputs alone", () => {
  const runtimes: [string, () => Execute][] = [
    ["eager", () => eager("cpu")],
    ["compiled", () => compiled({ device: "cpu", threads: 1 })],
    ...(typeof webgpu === "string" ? [] : [["webgpu", () => webgpu.execute] as [string, () => Execute]]),
  ];
  it.each(runtimes)("has the losses and gradients of one that keeps all, %s", async (_, execute) => {
    const all = await stepBy(execute(), "all");
    const inputs = await stepBy(execute(), "inputs");
    expect([...inputs.keys()]).toEqual([...all.keys()]);
    const largest = Math.max(...[...all.values()].flatMap(({ data }) => [...data].map(Math.abs)));
    for (const [name, { data }] of inputs) {
      const expected = all.get(name)!.data;
      const scale = Math.max(...Array.from(expected, Math.abs), 1e-3 * largest);
      for (const [i, value] of data.entries()) expect(Math.abs(value - expected[i]) / scale).toBeLessThan(2e-5);
    }
    // A block of the encoder, the decoder and both joint passes have gradients that are not nothing.
    const moved = [...inputs].filter(([name, { data }]) => name.includes("blocks") && data.some((g) => g !== 0));
    expect(moved.length).toBe([...inputs.keys()].filter((name) => name.includes("blocks")).length);
  });
});
