/**
 * What ranks gain: clips a second of N ranks of one thread against one rank of one thread, and the share of a step in which
 * gradients travel. `node scripts/ranks-speed.mjs [--ranks 2] [--rounds 2] [--batch 4] [--width 768] [--only contrast]`,
 * after a build, on a machine with as many quiet processors as ranks. One block per branch, one joint, one to decode, as
 * wide as base's unless told otherwise. Beside it, as the most a machine can give: N independent runs of one rank side by
 * side. All take turns; figures are medians over epochs after the first, which makes the programs. `processor` is what the
 * first rank's process computed, which other work on the machine leaves alone.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
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
    width: { type: "string", default: "768" },
    only: { type: "string", default: "" },
  },
});
const sizes = values.ranks.split(",").map(Number);
const [rounds, batch] = [Number(values.rounds), Number(values.batch)];
const folder = mkdtempSync(join(tmpdir(), "kdc-ranks-speed-"));
const program = fileURLToPath(new URL("../apps/trainer/bin/kdc-mae.js", import.meta.url));
const width = Number(values.width);
/** Heads are 64 wide; the decoder has two thirds of the encoder's width, as base's. */
const blocks = {
  ...{ modalityDepth: 1, jointDepth: 1, decoderDepth: 1, embedDim: width, heads: width / 64 },
  ...{ decoderDim: (2 * width) / 3, decoderHeads: (2 * width) / 3 / 32 },
};
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

/** Seconds a process computed so far, all its threads together. */
function computed(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
}

/** The process that keeps a run, which rank 0 or the only one is. */
const keeperOf = (folder) =>
  readdirSync("/proc").find((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
      return words[0] !== "mpirun" && words.includes(folder) && !/RANK=[1-9]/.test(environment);
    } catch {
      return false;
    }
  });

/** Seconds of a step after the first epoch, and of them travelling and waiting. */
async function epochs(objective, ranks, place) {
  const file = join(folder, `${place}.json`);
  const experiment = {
    ...{ name: "speed", data: { kind: "manifest", path: join(folder, "media", "manifest.jsonl") }, objective },
    model: { preset: "base", ...blocks },
    masking: { kind: "complementary", views: 2, audioRatio: 0.75, visualRatio: 0.75 },
    audio: { statistics: "measured", noise: true },
    ...{ optimizer: { learningRate: 1e-5 }, training: { batch, epochs: 4 } },
  };
  writeFileSync(file, JSON.stringify(experiment));
  const out = join(folder, place);
  const mpirun = ["-n", String(ranks), "--bind-to", "none", "--allow-run-as-root", "--oversubscribe"];
  const line = [process.execPath, program, "pretrain", file, "--out", out, "--threads", "1"];
  const [command, ...args] = ranks === 1 ? line : ["mpirun", ...mpirun, ...line];
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (piece) => (said += piece));
  const log = () =>
    existsSync(join(out, "log.jsonl"))
      ? readFileSync(join(out, "log.jsonl"), "utf8")
          .trim()
          .split("\n")
          .filter(Boolean)
          .map((text) => JSON.parse(text))
      : [];
  /** What had been computed when each epoch ended. */
  const marks = [];
  let keeper;
  const timer = setInterval(() => {
    keeper ??= keeperOf(out);
    for (let ended = log().length; marks.length < ended; ) marks.push(computed(keeper));
  }, 20);
  const code = await new Promise((done) => child.on("close", done));
  clearInterval(timer);
  if (code !== 0) throw new Error(`${line.join(" ")} ended with ${code}: ${said}`);
  const entries = log();
  rmSync(out, { recursive: true });
  return entries.slice(1).map(({ seconds, waited: data, ranks: { travelled = 0, waited = 0 } = {} }, at) => ({
    ...{ seconds: (seconds + data) / steps, travelled: travelled / steps, waited: waited / steps, data: data / steps },
    processor: (marks[at + 1] - marks[at]) / steps,
  }));
}

try {
  console.log(
    `${cpus()[0].model}, ${cpus().length} cores; ${(bytes / 1e9).toFixed(3)} GB of gradients, batch ${batch}, ${rounds} rounds of 3 epochs of ${steps} steps`,
  );
  for (const [name, objective] of Object.entries(objectives)) {
    if (!name.includes(values.only)) continue;
    /** How many ranks a run has, and how many runs there are at a time. */
    const ways = [[1, 1], ...sizes.flatMap((ranks) => [[ranks, 1], ...(ranks === 2 ? [[1, ranks]] : [])])];
    const seen = ways.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [way, [ranks, runs]] of ways.entries()) {
        const places = Array.from({ length: runs }, (_, run) => `${round}-${ranks}-${run}`);
        const made = await Promise.all(places.map((place) => epochs(objective, ranks, place)));
        seen[way].push(...made.flat());
      }
    }
    console.log(`\n${name}; load ${loadavg()[0].toFixed(1)}`);
    const of = (way, what) => median(seen[way].map((epoch) => epoch[what]));
    for (const [way, [ranks, runs]] of ways.entries()) {
      const [seconds, travelled, waited, data, processor] = ["seconds", "travelled", "waited", "data", "processor"].map(
        (what) => of(way, what),
      );
      const share = ranks === 1 ? 0 : (2 * (ranks - 1)) / ranks;
      const line = [
        runs > 1 ? `${runs} runs of 1 rank side by side` : ranks === 1 ? "1 rank" : `${ranks} ranks`,
        `${seconds.toFixed(3)} s a step`,
        `${((runs * of(0, "seconds")) / seconds).toFixed(2)} × the clips a second`,
        `processor ${processor.toFixed(3)} s`,
        `waiting for data ${((100 * data) / seconds).toFixed(1)} %`,
        ...(ranks === 1
          ? []
          : [
              `travelling ${((100 * travelled) / seconds).toFixed(1)} %, ${travelled.toFixed(3)} s`,
              `waiting for ranks ${((100 * waited) / seconds).toFixed(1)} %`,
              `b = ${((share * bytes) / travelled / 1e9).toFixed(2)} GB/s`,
            ]),
      ];
      console.log(line.join(", "));
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
