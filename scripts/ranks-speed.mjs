/**
 * What ranks gain: clips a second of N ranks of one thread against one rank of one thread, blocks as wide as base's, and
 * the share of a step in which gradients travel. `node scripts/ranks-speed.mjs [--ranks 2] [--rounds 2] [--batch 4]`,
 * after a build, on a machine with as many quiet processors as ranks and memory for a model of 0.3 GB in each. Runs of
 * one and of many ranks take turns; figures are medians over epochs after the first, which makes the programs.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createRng } from "../packages/core/dist/index.js";
import { locateFfmpeg, makeSet } from "../packages/data/dist/node.js";
import { countParameters, initModel, presets } from "../packages/model/dist/index.js";

const { values } = parseArgs({
  options: {
    ranks: { type: "string", default: "2" },
    rounds: { type: "string", default: "2" },
    batch: { type: "string", default: "4" },
  },
});
const sizes = values.ranks.split(",").map(Number);
const [rounds, batch] = [Number(values.rounds), Number(values.batch)];
const folder = mkdtempSync(join(tmpdir(), "kdc-ranks-speed-"));
const program = fileURLToPath(new URL("../apps/trainer/bin/kdc-mae.js", import.meta.url));
/** One block per branch, one joint, one to decode, all as wide as base's. */
const blocks = { modalityDepth: 1, jointDepth: 1, decoderDepth: 1 };
const bytes = 4 * countParameters(initModel({ ...presets.base, ...blocks }, createRng(1)));
const reconstruction = [{ term: "reconstruction-audio" }, { term: "reconstruction-visual" }];
const objectives = {
  "reconstruction alone": reconstruction,
  "with contrast and distillation": [...reconstruction, { term: "contrastive" }, { term: "view-distillation" }],
};
const steps = 2;
await makeSet({
  ...{ directory: join(folder, "media"), ffmpeg: (await locateFfmpeg({ env: process.env })).path },
  ...{ counts: { train: steps * batch }, seed: 1, workers: 2 },
});

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

/** Seconds of a step after the first epoch, and of them travelling and waiting. */
async function epochs(name, objective, ranks, round) {
  const file = join(folder, "experiment.json");
  const experiment = {
    ...{ name, data: { kind: "manifest", path: join(folder, "media", "manifest.jsonl") }, objective },
    model: { preset: "base", ...blocks },
    masking: { kind: "complementary", views: 2, audioRatio: 0.75, visualRatio: 0.75 },
    audio: { statistics: "measured", noise: true },
    ...{ optimizer: { learningRate: 1e-5 }, training: { batch, epochs: 4 } },
  };
  writeFileSync(file, JSON.stringify(experiment));
  const out = join(folder, `${round}-${ranks}`);
  const mpirun = ["-n", String(ranks), "--bind-to", "none", "--allow-run-as-root", "--oversubscribe"];
  const line = [process.execPath, program, "pretrain", file, "--out", out, "--threads", "1"];
  const [command, ...args] = ranks === 1 ? line : ["mpirun", ...mpirun, ...line];
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (piece) => (said += piece));
  const code = await new Promise((done) => child.on("close", done));
  if (code !== 0) throw new Error(`${line.join(" ")} ended with ${code}: ${said}`);
  const log = readFileSync(join(out, "log.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((text) => JSON.parse(text));
  rmSync(out, { recursive: true });
  return log.slice(1).map(({ seconds, ranks: { travelled = 0, waited = 0 } = {} }) => ({
    ...{ seconds: seconds / steps, travelled: travelled / steps, waited: waited / steps },
  }));
}

try {
  console.log(
    `${(bytes / 1e9).toFixed(2)} GB of gradients, batch ${batch}, ${rounds} rounds of 3 epochs of ${steps} steps`,
  );
  for (const [name, objective] of Object.entries(objectives)) {
    const seen = new Map([1, ...sizes].map((ranks) => [ranks, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [ranks, list] of seen) list.push(...(await epochs("speed", objective, ranks, round)));
    }
    const of = (ranks, what) => median(seen.get(ranks).map((epoch) => epoch[what]));
    console.log(`\n${name}; load ${loadavg()[0].toFixed(1)}`);
    for (const ranks of seen.keys()) {
      const [seconds, travelled, waited] = ["seconds", "travelled", "waited"].map((what) => of(ranks, what));
      const ways = ranks === 1 ? 0 : (2 * (ranks - 1)) / ranks;
      const line = [
        `${ranks} ranks`,
        `${seconds.toFixed(2)} s a step`,
        `${(of(1, "seconds") / seconds).toFixed(2)} × the clips a second`,
        `travelling ${((100 * travelled) / seconds).toFixed(1)} %`,
        `waiting for ranks ${((100 * waited) / seconds).toFixed(1)} %`,
        ...(ranks === 1 ? [] : [`b = ${((ways * bytes) / travelled / 1e9).toFixed(2)} GB/s`]),
      ];
      console.log(line.join(", "));
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
