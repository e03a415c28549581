/** What `docs/packages.md` says of a PyTorch model of one's own: its names, its layouts, its training, and going on with it. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type FloatTensor, treeLeaves } from "@kdc-mae/core";
import { adamW, createTrainStep, eager } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { readCheckpoint, writeTensors } from "@kdc-mae/model/node";
import * as tf from "@tensorflow/tfjs-core";
import { expect, it } from "vitest";

const fixture = (name: string) => fileURLToPath(new URL(`../../../../fixtures/own-model/${name}`, import.meta.url));

type Params = Readonly<Record<string, tf.Tensor>>;
type Batch = { readonly pictures: tf.Tensor4D };
type Weights = Readonly<Record<string, FloatTensor>>;

/** `nn.Linear`: weights [out, in]. */
const linear = (p: Params, name: string, x: tf.Tensor): tf.Tensor =>
  tf.add(tf.matMul(x, p[`${name}.weight`], false, true), p[`${name}.bias`]);

/** `nn.Conv2d` has weights [out, in, h, w], `nn.ConvTranspose2d` [in, out, h, w]: turned the same way they are what tfjs takes. */
const filter = (p: Params, name: string) => tf.transpose(p[`${name}.weight`], [2, 3, 1, 0]) as tf.Tensor4D;

const layerNorm = (p: Params, name: string, x: tf.Tensor): tf.Tensor => {
  const { mean, variance } = tf.moments(x, -1, true);
  const normal = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5)));
  return tf.add(tf.mul(normal, p[`${name}.weight`]), p[`${name}.bias`]);
};

const gelu = (x: tf.Tensor) => tf.mul(tf.mul(x, 0.5), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))));

const loss = (p: Params, { pictures }: Batch) => {
  // PyTorch's pictures are [B, C, H, W], tfjs's [B, H, W, C]; what is flattened must be in PyTorch's order.
  const x = tf.transpose(pictures, [0, 2, 3, 1]) as tf.Tensor4D;
  const down = tf.add(tf.conv2d(x, filter(p, "down"), 2, 1), p["down.bias"]);
  const flat = tf.reshape(tf.transpose(tf.mul(down, tf.sigmoid(down)), [0, 3, 1, 2]), [x.shape[0], -1]);
  const hidden = gelu(linear(p, "code", layerNorm(p, "norm", flat)));
  const small = tf.transpose(tf.reshape(hidden, [-1, 3, 5, 4]), [0, 2, 3, 1]) as tf.Tensor4D;
  const made = tf.add(tf.conv2dTranspose(small, filter(p, "up"), x.shape, 2, 1), p["up.bias"]);
  const total: tf.Scalar = tf.mean(tf.squaredDifference(made, x));
  return { total, terms: {} };
};

const optimizer = adamW<Weights>({ weightDecay: 0.1, groups: [{ paths: /bias$|norm/, weightDecay: 0 }] });
const read = async (name: string) => (await readCheckpoint(fixture(name))).tensors as Weights;
const rate = (step: number) => (0.01 * (step + 1)) / 6;

it.each([
  ["compiled", compiled({ threads: 1 })],
  ["eager", eager("cpu")],
] as const)("a state_dict is a tree of parameters: six steps are PyTorch's, %s", async (_, execute) => {
  const train = createTrainStep(execute, loss, optimizer, { clipNorm: 0.2 });
  const state = train.init(await read("start.pth"));
  const [batches, end] = [await read("batches.pth"), await read("end.pth")];
  const { losses, norms } = JSON.parse(await readFile(fixture("reports.json"), "utf8"));
  for (const [step, wanted] of losses.entries()) {
    const { total, gradientNorm } = await train.step(state, { pictures: batches[`pictures.${step}`] }, rate(step));
    expect(Math.abs(total / wanted - 1)).toBeLessThan(2e-6);
    expect(Math.abs(gradientNorm / norms[step] - 1)).toBeLessThan(1e-5);
  }
  await train.collect(state);
  for (const [name, { data }] of Object.entries(end)) {
    for (const [at, value] of data.entries()) expect(state.params[name].data[at]).toBeCloseTo(value, 5);
  }
  await train.dispose();
});

it("stopped after three steps and read again, it goes on to the same numbers, bit for bit", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kdc-own-model-"));
  const path = join(folder, "state.safetensors");
  const [batches, start] = [await read("batches.pth"), await read("start.pth")];
  const train = createTrainStep(compiled({ threads: 1 }), loss, optimizer, { clipNorm: 0.2 });
  const steps = async (state: ReturnType<typeof train.init>, from: number, to: number) => {
    for (let step = from; step < to; step++) {
      await train.step(state, { pictures: batches[`pictures.${step}`] }, rate(step));
    }
  };
  const copy = (): Weights => structuredClone(start);
  const whole = train.init(copy());
  await steps(whole, 0, 6);

  const half = train.init(copy());
  await steps(half, 0, 3);
  await train.collect(half); // nothing to do here; with eager or WebGPU the state lies elsewhere
  const slots = { params: half.params, ...optimizer.slots(half.optimizer) };
  const counters = JSON.stringify({ ...optimizer.counters(half.optimizer), step: half.step });
  await writeTensors(path, Object.fromEntries(treeLeaves<FloatTensor>(slots)), { counters });

  const { tensors, metadata } = await readCheckpoint(path);
  const saved = JSON.parse(metadata.counters);
  const again = train.init(copy());
  const places = treeLeaves<FloatTensor>({ params: again.params, ...optimizer.slots(again.optimizer) });
  for (const [name, { data }] of places) data.set(tensors[name].data);
  optimizer.restore(again.optimizer, saved);
  again.step = saved.step;
  train.changed(); // the arrays were filled from outside
  await steps(again, saved.step, 6);

  expect(again.step).toBe(6);
  for (const [name, { data }] of Object.entries(whole.params)) expect(again.params[name].data).toEqual(data);
  await train.dispose();
  await rm(folder, { recursive: true });
});
