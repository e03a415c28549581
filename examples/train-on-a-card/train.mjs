import { createRng, float32 } from "@kdc-mae/core";
import { adam, createTrainStep, createWebGpuRuntime } from "@kdc-mae/engine";
import * as tf from "@tensorflow/tfjs-core";

// A function of tensors, written as for any tfjs backend: two layers that learn to tell points inside a circle.
const loss = ({ w1, b1, w2 }, { points, inside }) => {
  const hidden = tf.tanh(tf.add(tf.matMul(points, w1), b1));
  const fit = tf.mean(tf.squaredDifference(tf.sigmoid(tf.matMul(hidden, w2)), inside));
  return { total: fit, terms: { fit } };
};

const rng = createRng(1);
const fill = (shape, value) => float32(shape, Float32Array.from({ length: shape[0] * (shape[1] ?? 1) }, value));
const runtime = await createWebGpuRuntime(); // In a page the same; there it is the browser's own WebGPU.
const train = createTrainStep(runtime.execute, loss, adam());
const state = train.init({
  w1: fill([2, 32], () => rng.normal()),
  b1: fill([32], () => rng.normal()),
  w2: fill([32, 1], () => 0.1 * rng.normal()),
});
for (let step = 1; step <= 150; step++) {
  const points = fill([64, 2], () => 4 * rng.uniform() - 2);
  const inside = fill([64, 1], (_, i) => Number(Math.hypot(points.data[2 * i], points.data[2 * i + 1]) < 1));
  const { total } = await train.step(state, { points, inside }, 0.02); // Parameters and moments stay on the card.
  if (step % 50 === 0) console.log(`step ${step}: ${total.toFixed(4)}`);
}
await train.collect(state); // Now they are in state.params as well.
console.log(
  `on ${runtime.name}; first weights ${Array.from(state.params.w1.data.slice(0, 3), (w) => w.toFixed(2)).join(", ")}`,
);
await train.dispose();
await runtime.dispose();
