/**
 * Retrieval in both directions with intervals, 20,000 × 20,000 × 768, against NumPy's two products alone, by turns in one
 * run: `node scripts/retrieval-against-numpy.mjs [--python python3] [--rounds 5] [--clips 20000]`. After `build`.
 * Prints seconds by the clock and of the processors, and the ratios of each round; the load of the machine beside them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { loadavg } from "node:os";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { manyRanks } from "../apps/trainer/dist/pipeline/evaluate/many-ranks.js";
import { compiled } from "../packages/engine/dist/node.js";
import { matrix, retrieval } from "../packages/eval/dist/index.js";

const text = (value) => ({ type: "string", default: value });
const { values: options } = parseArgs({
  options: { python: text("python3"), rounds: text("5"), clips: text("20000"), width: text("768") },
});
const [rounds, clips, width] = [options.rounds, options.clips, options.width].map(Number);

const program = `
import numpy, sys, time
a, v = (numpy.random.default_rng(seed).standard_normal((${clips}, ${width}), dtype=numpy.float32) for seed in (0, 1))
print("ready", flush=True)
for line in sys.stdin:
    start, busy = time.perf_counter(), time.process_time()
    s = a @ v.T
    del s
    s = v @ a.T
    del s
    print(time.perf_counter() - start, time.process_time() - busy, flush=True)
`;
const numpy = spawn(options.python, ["-c", program], { stdio: ["pipe", "pipe", "inherit"] });
const lines = createInterface({ input: numpy.stdout });
const nextLine = async () => (await once(lines, "line"))[0];
await nextLine();

const rows = (seed) => {
  const made = matrix(clips, width);
  let state = seed;
  for (let i = 0; i < made.data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    made.data[i] = state / 2 ** 32 - 0.5;
  }
  return made;
};
const audio = rows(1);
const visual = rows(2);
// Partners are alike, so that ranks are neither all first nor all by chance.
for (let i = 0; i < visual.data.length; i++) visual.data[i] = 0.1 * audio.data[i] + visual.data[i];

const ratios = [];
for (let round = 0; round < rounds; round++) {
  const answer = nextLine();
  numpy.stdin.write("again\n");
  const [theirs, theirWork] = (await answer).split(" ").map(Number);
  const start = performance.now();
  const begun = process.cpuUsage();
  const ranks = await manyRanks(audio, visual, compiled());
  const counted = (performance.now() - start) / 1000;
  const { audioToVisual } = retrieval({ audio, visual, ranks });
  const ours = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(begun);
  const ourWork = (user + system) / 1e6;
  ratios.push(ours / theirs);
  const figures = `NumPy ${theirs.toFixed(2)} s, ours ${ours.toFixed(2)} s (ranks ${counted.toFixed(2)})`;
  const found = `R@1 ${(100 * audioToVisual.r1).toFixed(1)} %`;
  const work = `processors ${theirWork.toFixed(2)} and ${ourWork.toFixed(2)} s, ${(ourWork / theirWork).toFixed(2)} ×`;
  console.log(`${figures}, ${(ours / theirs).toFixed(2)} ×; ${work}; load ${loadavg()[0].toFixed(1)}; ${found}`);
}
numpy.stdin.end();
console.log(`median ${ratios.sort((a, b) => a - b)[Math.floor(rounds / 2)].toFixed(2)} ×`);
