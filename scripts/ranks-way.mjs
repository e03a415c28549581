/**
 * How long gradients of a size travel between ranks, for the model in docs/scale.md: seconds of 2 (N − 1) / N · S / b.
 * `node scripts/ranks-way.mjs [--ranks 2,3,4] [--megabytes 8,100,760] [--times 15]`, after a build. Each figure is the
 * median over so many sums of S bytes, one array of them, in pieces as training sends large ones.
 */
import { spawnSync } from "node:child_process";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "../apps/trainer/dist/bench/median.js";
import { launched, startOpenMpi } from "../apps/trainer/dist/pipeline/ranks/open-mpi.js";
import { float32 } from "../packages/core/dist/index.js";
import { floatSum } from "../packages/engine/dist/train/gradient-sum.js";

const { values } = parseArgs({
  options: {
    ranks: { type: "string", default: "2,3,4" },
    megabytes: { type: "string", default: "8,100,760" },
    times: { type: "string", default: "15" },
  },
});
const sizes = values.megabytes.split(",").map(Number);

/** What every rank does; the first says it. */
async function measure() {
  const { ranks, leave } = await startOpenMpi(process.env);
  const sum = floatSum(ranks);
  for (const size of sizes) {
    const gradients = { w: float32([size * 2.5e5]) };
    const seconds = [];
    for (let times = 0; times < Number(values.times); times++) {
      await ranks.barrier();
      const began = performance.now();
      await sum([{ weight: 1, make: async () => gradients }]);
      seconds.push((performance.now() - began) / 1000);
    }
    const middle = median(seconds);
    const way = ((2 * (ranks.size - 1)) / ranks.size) * size * 1e6;
    const line = [
      `${ranks.size} ranks, ${size} MB`,
      `${middle.toFixed(4)} s (${Math.min(...seconds).toFixed(4)} at best)`,
    ];
    if (ranks.rank === 0) console.log([...line, `b = ${(way / middle / 1e9).toFixed(2)} GB/s`].join(", "));
  }
  leave();
}

if (launched(process.env) > 1) await measure();
else {
  console.log(`${cpus()[0].model}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}`);
  for (const ranks of values.ranks.split(",")) {
    const mpirun = ["-n", ranks, "--bind-to", "none", "--allow-run-as-root", "--oversubscribe", process.execPath];
    spawnSync("mpirun", [...mpirun, fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  }
}
