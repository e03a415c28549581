/**
 * Many tiny steps, with its log, probes on held-out clips, pictures and checkpoints: does memory stay flat?
 * `node --expose-gc --max-semi-space-size=1 --max-old-space-size=64 scripts/long-run.mjs [steps] [folder]`, after a
 * build. Prints what it measured; exits 1 where the memory of the process moved by more than 5 % between what it held
 * after 2,000 steps (half of a shorter run) and at any later time. It is read after a collection, and the flags keep the
 * heaps of the other threads small, which that collection does not reach: what V8 has not yet swept is no leak, and
 * grows by as much as it likes.
 */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkExperiment, named, pretrain, tensorBoardLogger } from "@kdc-mae/trainer";

const steps = Number(process.argv[2] ?? 20_000);
const root = process.argv[3] ?? mkdtempSync(join(tmpdir(), "kdc-long-"));
const perEpoch = 20;
const batch = 4;
const experiment = checkExperiment(
  {
    ...named.demo,
    name: "long",
    data: { kind: "synthetic", train: perEpoch * batch, validation: 24, test: 8 },
    model: {
      ...{ preset: "tiny", embedDim: 24, heads: 3, modalityDepth: 1, jointDepth: 1 },
      ...{ decoderDim: 16, decoderHeads: 2, decoderDepth: 1 },
      audio: { rows: 3, columns: 2, patch: 16, channels: 1 },
      visual: { rows: 3, columns: 3, patch: 16, channels: 3 },
    },
    optimizer: { learningRate: 1e-4 },
    schedule: { kind: "constant" },
    training: {
      ...{ batch, epochs: Math.ceil(steps / perEpoch), checkpointSeconds: 5 },
      ...{ keep: { last: 2, best: true }, probes: { every: 50, clips: 24 } },
    },
  },
  "long-run.mjs",
);
const out = join(root, "run");
const began = performance.now();
const loggers = [tensorBoardLogger(join(out, "tensorboard"))];
const { gc } = globalThis;
if (gc === undefined || !process.execArgv.some((flag) => flag.startsWith("--max-semi-space-size="))) {
  throw new Error("start it with the flags that stand at the top of scripts/long-run.mjs");
}
const memory = () => {
  gc();
  return process.memoryUsage().rss;
};
await pretrain(experiment, { memory, out, media: join(root, "media"), loggers, onNote: (note) => console.log(note) });
const seconds = (performance.now() - began) / 1000;

const records = readFileSync(join(out, "events.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
const seen = records.flatMap((record) => (record.kind === "steps" ? [[record.step, record.memory]] : []));
const probes = records.filter(({ kind }) => kind === "probe");
/** Mean over each twentieth of the steps: single values follow the garbage collector. */
const part = steps / 20;
const means = Array.from({ length: 20 }, (_, index) => {
  const own = seen.flatMap(([step, bytes]) => (step > index * part && step <= (index + 1) * part ? [bytes] : []));
  return own.reduce((sum, bytes) => sum + bytes, 0) / own.length / 2 ** 20;
});
// Programs, workers and caches settle in the first 2,000 steps; of a short run half is looked at.
const settled = Math.ceil(20 * Math.min(0.5, 2000 / steps));
const base = means[settled];
const moved = Math.max(...means.slice(settled).map((mean) => Math.abs(mean / base - 1)));
console.log(`${steps} steps in ${seconds.toFixed(0)} s, ${probes.length} probes`);
console.log(`memory by twentieths, MiB: ${means.map((mean) => mean.toFixed(0)).join(" ")}`);
console.log(`after ${settled * part} steps it moved by ${(100 * moved).toFixed(1)} % at most`);
process.exitCode = moved > 0.05 ? 1 : 0;
