/**
 * Resident memory of a process over tiny compiled training steps, for docs/measurements/engine.md:
 * `node scripts/resident-memory.mjs`, after a build; with `node --max-semi-space-size=1` the nursery stays at 1 MB. Garbage is
 * collected before each look. The committed test is packages/engine/src/train/leak.test.ts.
 */
import { createRequire } from "node:module";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createRng, float32 } from "../packages/core/dist/index.js";
import { adam, createTrainStep } from "../packages/engine/dist/index.js";
import { compiled } from "../packages/engine/dist/node.js";

const tf = createRequire(new URL("../packages/engine/package.json", import.meta.url))("@tensorflow/tfjs-core");
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");

const rng = createRng(1);
const normal = (shape, size) =>
  float32(
    shape,
    Float32Array.from({ length: shape[0] * shape[1] }, () => size * rng.normal()),
  );
const loss = ({ w }, { x }) => {
  const fit = tf.mean(tf.square(tf.sub(tf.matMul(tf.tanh(tf.matMul(x, w)), w, false, true), x)));
  return { total: fit, terms: { fit } };
};
const train = createTrainStep(compiled({ threads: 1 }), loss, adam());
const state = train.init({ w: normal([61, 31], 0.1) });
const batch = { x: normal([13, 61], 1) };

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
let step = 0;
for (const look of [100, 300, 500, 1000, 2000, 4000]) {
  for (; step < look; step++) await train.step(state, batch, 1e-3);
  // Finalizers of external arrays run in a later turn.
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { arrayBuffers, heapUsed, rss } = process.memoryUsage();
  const nursery = getHeapSpaceStatistics().find((space) => space.space_name === "new_space").physical_space_size;
  const parts = { nursery, "less it": rss - nursery, heap: heapUsed, arrays: arrayBuffers };
  const words = Object.entries(parts).map(([name, bytes]) => `${name} ${megabytes(bytes)}`);
  console.log(`${look} steps: resident ${megabytes(rss)} MB, ${words.join(", ")}; ${tf.memory().numTensors} tensors`);
}
await train.dispose();
