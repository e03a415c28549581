import { createRng, type FloatTensor, float32, type Tree, treeLeaves } from "@kdc-mae/core";
import { createWebGpuRuntime, type Execute, valueAndGradients, type WebGpuRuntime } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { initModel } from "@kdc-mae/model";
import { expect, it } from "vitest";
import { checkExperiment } from "../experiment/check.js";
import { configFor } from "../run/model-file.js";
import { createPatchSampler, createViewDrawer } from "./draw-views.js";
import { pretrainLoss } from "./loss.js";
import { objectiveFor } from "./objective.js";

/** Everything beside the usual path at once: views that a network draws, a contrast where a teacher looks, a predictor. */
const experiment = checkExperiment(
  {
    name: "paths-on-a-device",
    data: { kind: "synthetic", train: 6, validation: 1, test: 1 },
    model: {
      ...{ preset: "tiny", embedDim: 12, heads: 3, modalityDepth: 1, jointDepth: 1, globalToken: true, registers: 1 },
      ...{ decoderDim: 8, decoderHeads: 2, decoderDepth: 1, predictor: { dim: 12, heads: 3, depth: 1 } },
      audio: { rows: 4, columns: 5, patch: 2, channels: 1 },
      visual: { rows: 3, columns: 4, patch: 2, channels: 3 },
    },
    masking: {
      ...{ kind: "adaptive", views: 2, audioRatio: 0.75, visualRatio: 0.75 },
      contrast: { by: "teacher", audioRatio: 0.5, visualRatio: 0.5 },
    },
    objective: [
      { term: "reconstruction-audio" },
      { term: "reconstruction-visual" },
      { term: "contrastive", options: { path: "own", tokens: "both" } },
      { term: "latent-prediction" },
      { term: "patch-sampling" },
    ],
    optimizer: { learningRate: 1e-3 },
    training: { batch: 3, epochs: 1 },
  },
  "paths-on-a-device.test.ts",
);
const config = configFor(experiment);
const clips = 3;
const model = initModel(config, createRng(2));
const teacher = { encoder: initModel(config, createRng(3)).encoder };
const normal = (name: string, N: number, P: number) => {
  const rng = createRng(name);
  return float32(
    [clips, N, P],
    Float32Array.from({ length: clips * N * P }, () => rng.normal()),
  );
};
const patches = { audio: normal("a", 20, 4), visual: normal("v", 12, 12) };
const streams = () => Array.from({ length: clips }, (_, clip) => createRng(9).fork(clip));

/** ‖a − b‖ / ‖b‖ */
const far = (a: FloatTensor, b: FloatTensor) =>
  Math.hypot(...a.data.map((value, i) => value - b.data[i])) / Math.hypot(...b.data);

/** What a step is made of: how likely patches are to be seen, the views that network and teacher draw, loss and gradients. */
async function stepBy(execute: Execute) {
  const sampler = createPatchSampler(execute, config, experiment.masking);
  const { likely } = await sampler.sample(model, patches, streams());
  await sampler.dispose();
  const drawer = createViewDrawer(execute, config, async () => ({ model, teacher }), experiment);
  const batch = await drawer.draw({ patches, views: [], streams: streams() });
  await drawer.dispose();
  const inputs = { params: { model, weighting: {} }, batch: { ...batch, teacher } };
  const program = await execute(valueAndGradients(pretrainLoss(config, objectiveFor(experiment))), inputs);
  const { gradients, total, terms } = await program.run(inputs);
  await program.dispose();
  const losses = { total, ...terms } as Readonly<Record<string, FloatTensor>>;
  return { likely, batch, gradients: treeLeaves(gradients as Tree<FloatTensor>), losses };
}
/**
 * When asked for: compiling all of it for a software adapter takes half a minute of a processor. SwiftShader, November 2026:
 * views equal, losses within 4.7e-7, 129 of 133 gradients within 3.4e-6.
 */
const asked = process.env.KDC_TEST_PATHS_DEVICE !== undefined;
const device = asked
  ? await createWebGpuRuntime({ tested: { has: async () => true, add: async () => undefined } }).catch(
      (error: Error) => error.message,
    )
  : "KDC_TEST_PATHS_DEVICE is not set; it takes minutes on a software adapter";
if (typeof device === "string") console.info(`skipped on WebGPU: ${device}`);

it.skipIf(typeof device === "string")(
  "adaptive masking, a contrast where the teacher looks, latent prediction: views, losses and every parameter's gradient are the processor's",
  { timeout: 7_200_000 },
  async () => {
    const here = await stepBy(compiled({ threads: 1 }));
    const there = await stepBy((device as WebGpuRuntime).execute);
    for (const modality of ["audio", "visual"] as const)
      expect(far(there.likely[modality], here.likely[modality]), modality).toBeLessThan(1e-5);
    expect(there.batch).toEqual(here.batch);
    expect(Object.keys(there.losses)).toEqual(["total", ...experiment.objective.map(({ term }) => term)]);
    for (const [name, value] of Object.entries(here.losses))
      expect(far(there.losses[name], value), name).toBeLessThan(1e-5);
    expect(here.gradients.map(([path]) => path)).toEqual(treeLeaves({ model, weighting: {} }).map(([path]) => path));
    const apart = here.gradients.flatMap(([path, value], index) => {
      // Gradients that are rounding alone (a bias before a norm) have no direction to agree on.
      if (Math.hypot(...value.data) < 1e-5) return [];
      return [[far(there.gradients[index][1], value), path] as const];
    });
    const [[largest, path]] = apart.sort(([a], [b]) => b - a);
    const losses = Math.max(...Object.entries(here.losses).map(([name, value]) => far(there.losses[name], value)));
    console.info(
      `losses within ${losses.toExponential(1)}, ${apart.length} of ${here.gradients.length} gradients within ${largest.toExponential(1)} (${path})`,
    );
    expect(largest, path).toBeLessThan(1e-4);
  },
);
