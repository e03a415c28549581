import { createRng, type FloatTensor, float32, type Tree, treeLeaves } from "@kdc-mae/core";
import {
  adam,
  createTrainStep,
  createWebGpuRuntime,
  type Execute,
  eager,
  surveyBackends,
  valueAndGradients,
} from "@kdc-mae/engine";
import { compiled, surveyDevices } from "@kdc-mae/engine/node";
import { kdcMae, objective } from "@kdc-mae/losses";
import { batchViews, complementaryViews } from "@kdc-mae/masking";
import { initModel, type ModelConfig, presets } from "@kdc-mae/model";
import { backend, engine, mul } from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { loadNamedTensorflow } from "../../bench/named-tensorflow.js";
import { pretrainLoss } from "./loss.js";

// KDC_TFJS_NODE may name a tfjs-node that lies elsewhere.
loadNamedTensorflow();
const [devices, backends] = [await surveyDevices(), await surveyBackends()];
const reasonOf = (reports: readonly { name: string; usable: boolean; reason: string }[], name: string) =>
  reports.find((report) => report.name === name && !report.usable)?.reason;
/** ONNX Runtime compiles a kernel for every shape: on a software adapter it is tried when asked for. */
const asked = process.env.KDC_TEST_ONNXRUNTIME_DEVICES !== undefined;
/** One test makes the self-test; this one does without. */
const untested = { has: async () => true, add: async () => undefined };
const webgpu = await createWebGpuRuntime({ tested: untested }).catch((error: Error) => error.message);
const others: readonly { readonly name: string; readonly execute: Execute; readonly reason: string | undefined }[] = [
  {
    name: "webgpu",
    execute: typeof webgpu === "string" ? eager("cpu") : webgpu.execute,
    reason: typeof webgpu === "string" ? webgpu : undefined,
  },
  ...(["webgpu", "cuda"] as const).map((name) => ({
    ...{ name: `onnxruntime ${name}`, execute: compiled({ device: name }) },
    reason:
      reasonOf(devices, name) ?? (asked ? undefined : "KDC_TEST_ONNXRUNTIME_DEVICES is not set; it takes minutes"),
  })),
  ...(["tensorflow"] as const).map((name) => ({ name, execute: eager(name), reason: reasonOf(backends, name) })),
];
for (const { name, reason } of others) if (reason !== undefined) console.info(`skipped on ${name}: ${reason}`);

const config: ModelConfig = {
  ...presets.tiny,
  ...{ embedDim: 36, heads: 3, modalityDepth: 1, jointDepth: 1, decoderDim: 20, decoderHeads: 5, decoderDepth: 1 },
  ...{ audio: { rows: 4, columns: 5, patch: 2, channels: 1 }, visual: { rows: 3, columns: 4, patch: 2, channels: 3 } },
};
const clips = 7;
const batch = () => {
  const rng = createRng("devices");
  const normal = (name: string, shape: number[]) => {
    const own = rng.fork(name);
    return float32(
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => own.normal()),
    );
  };
  const masker = complementaryViews({ views: 2, ratio: 0.75 });
  const views = Array.from({ length: clips }, (_, clip) => masker(config, rng.fork(clip)));
  return {
    patches: { audio: normal("a", [clips, 20, 4]), visual: normal("v", [clips, 12, 12]) },
    views: batchViews(views),
  };
};
const loss = pretrainLoss(config, objective(kdcMae));
const fresh = () => ({ model: initModel(config, createRng(1)), weighting: {} });
const far = (a: FloatTensor, b: FloatTensor) => {
  const norm = (of: (i: number) => number) => Math.sqrt(b.data.reduce((sum, _, i) => sum + of(i) ** 2, 0));
  return (
    norm((i) => a.data[i] - b.data[i]) /
    Math.max(
      norm((i) => b.data[i]),
      1e-6,
    )
  );
};

/** Gradients at the start, of the loss times `scale`. */
async function gradientsAtStart(execute: Execute, scale = 1) {
  const inputs = { params: fresh(), batch: batch() };
  const scaled: typeof loss = (params, given) => {
    const report = loss(params, given);
    return { ...report, total: mul(report.total, scale) };
  };
  const program = await execute(valueAndGradients(scale === 1 ? loss : scaled), inputs);
  const gradients = treeLeaves((await program.run(inputs)).gradients as Tree<FloatTensor>);
  await program.dispose();
  return gradients;
}

/** The gradients at the start, and three steps of training. */
async function train(execute: Execute) {
  const gradients = await gradientsAtStart(execute);
  const steps = createTrainStep(execute, loss, adam());
  const state = steps.init(fresh());
  const totals: number[] = [];
  for (let step = 0; step < 3; step++) totals.push((await steps.step(state, batch(), 1e-3)).total);
  await steps.dispose();
  return { totals, gradients };
}

describe.each(others)("the pretraining objective on $name, against the cpu", ({ name, execute, reason }) => {
  // A software adapter takes its time to compile every kernel.
  it.skipIf(reason !== undefined)(
    "gradient of every parameter, and the losses of three steps",
    { timeout: 600_000 },
    async () => {
      const [cpu, device] = [await train(compiled({ device: "cpu" })), await train(execute)];
      expect(cpu.gradients.length).toBe(treeLeaves(fresh()).length);
      let largest = 0;
      for (const [index, [path, value]] of cpu.gradients.entries()) {
        // Gradients that are rounding alone (a bias before a norm) have no direction to agree on.
        if (Math.hypot(...value.data) < 1e-5) continue;
        const apart = far(device.gradients[index][1], value);
        largest = Math.max(largest, apart);
        expect(apart, path).toBeLessThan(1e-4);
      }
      for (const [step, total] of cpu.totals.entries()) expect(device.totals[step] / total).toBeCloseTo(1, 4);
      expect(cpu.totals[2]).toBeLessThan(cpu.totals[0]);
      console.info(`${name}: largest relative difference of a gradient ${largest.toExponential(1)}`);
    },
  );
});

/**
 * On a software adapter every kernel is compiled once more for mixed precision, more than a minute of a processor: when
 * asked for. SwiftShader, November 2026: 79 of 79 gradients within 1.4e-3.
 */
const onDevice = typeof webgpu !== "string" && process.env.KDC_TEST_MIXED_DEVICE !== undefined;
const mixed = [
  ["emulated on the processor", async () => compiled({ threads: 1, precision: "mixed" })],
  ...(onDevice
    ? [
        [
          "on webgpu",
          async () => (await createWebGpuRuntime({ precision: "mixed", tested: untested })).execute,
        ] as const,
      ]
    : []),
] as const satisfies readonly (readonly [string, () => Promise<Execute>])[];

it.each(mixed)(
  "mixed precision, %s: every parameter's gradient is within 2e-2 of float32's",
  {
    timeout: 7_200_000,
  },
  async (name, open) => {
    // A loss scale as training has it: small gradients are lost in half precision otherwise.
    const scale = 2 ** 12;
    const [plain, rounded] = [
      await gradientsAtStart(compiled({ threads: 1 })),
      await gradientsAtStart(await open(), scale),
    ];
    expect(rounded.map(([path]) => path)).toEqual(treeLeaves(fresh()).map(([path]) => path));
    const apart = plain.flatMap(([path, value], index) => {
      if (Math.hypot(...value.data) < 1e-5) return [];
      const data = rounded[index][1].data.map((one) => one / scale);
      return [[far({ ...value, data }, value), path] as const];
    });
    const [[largest, path]] = apart.sort(([a], [b]) => b - a);
    console.info(
      `mixed, ${name}: ${apart.length} of ${plain.length} gradients; largest difference ${largest.toExponential(1)}, ${path}`,
    );
    expect(largest).toBeLessThan(2e-2);
    // Rounded they are.
    expect(largest).toBeGreaterThan(1e-4);
  },
);

/**
 * What is read of tensors while `work` runs, by whom it is asked. tfjs's own backends lie in ordinary memory, and some of
 * their kernels read a tensor's values themselves; TensorFlow's do not, so that what it counts is what crosses its border.
 */
async function readsDuring(by: "program" | "anything", work: () => Promise<unknown>) {
  const of = by === "program" ? engine() : backend();
  const { read, readSync } = of;
  const found = { reads: 0, bytes: 0 };
  const counted = <Values>(values: Values): Values => {
    found.reads++;
    found.bytes += (values as Float32Array).byteLength;
    return values;
  };
  // tfjs-node's read is its readSync: one read all the same.
  let asked = false;
  of.read = (id: object) => {
    asked = true;
    const values = read.call(of, id);
    asked = false;
    return values.then(counted);
  };
  of.readSync = (id: object) => (asked ? readSync.call(of, id) : counted(readSync.call(of, id)));
  await work().finally(() => Object.assign(of, { read, readSync }));
  return found;
}

const backendsTried = [
  ["cpu", undefined],
  ["wasm", reasonOf(backends, "wasm")],
  ["tensorflow", reasonOf(backends, "tensorflow")],
] as const;

describe.each(backendsTried)("a step on tfjs %s", (name, reason) => {
  it.skipIf(reason !== undefined)("reads its report alone from the backend, accumulated or not", async () => {
    const steps = createTrainStep(eager(name), loss, adam(), { clipNorm: 1 });
    const state = steps.init(fresh());
    const { terms } = await steps.step(state, batch(), 1e-3); // Places the state.
    const report = 2 + Object.keys(terms).length; // Loss, terms, norm of the gradient.
    const by = name === "tensorflow" ? "anything" : "program";
    const one = await readsDuring(by, () => steps.step(state, batch(), 1e-3));
    expect(one).toEqual({ reads: report, bytes: 4 * report });
    const twice = await readsDuring(by, () => steps.accumulate(state, [batch(), batch()], 1e-3));
    expect(twice).toEqual({ reads: 2 * (report - 1) + 1, bytes: 4 * (2 * (report - 1) + 1) });
    const leaves = treeLeaves(fresh() as Tree<FloatTensor>);
    const weights = leaves.reduce((sum, [, { data }]) => sum + data.byteLength, 0);
    const all = await readsDuring(by, () => steps.collect(state));
    expect(all).toEqual({ reads: 3 * leaves.length, bytes: 3 * weights });
    console.info(
      `tfjs ${name}: ${one.bytes} bytes leave in a step (${one.reads} reads), ${twice.bytes} with two batches; ` +
        `parameters and moments are ${all.bytes} bytes (${all.reads} reads) when they are collected`,
    );
    await steps.dispose();
  });
});
