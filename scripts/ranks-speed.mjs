/**
 * What ranks gain: clips a second of N ranks of one thread against one rank of one thread, and the share of a step in which
 * gradients travel. `node scripts/ranks-speed.mjs [--ranks 2] [--turns 6] [--batch 8] [--each 8] [--width 768] [--only
 * contrast]`, after a build, on a machine with as many quiet processors as ranks. One block per branch, one joint, one to decode, as
 * wide as base's unless told otherwise. Any number of ranks trains on the same `--batch`, or with `--each` on so many clips a
 * rank, as whoever adds machines to fill does. Beside it, as the most a machine can give: two independent runs of one rank side
 * by side. All runs are alive at once and take turns: the others are stopped (SIGSTOP) meanwhile, so that a turn of one
 * lies seconds from a turn of another and a machine whose speed drifts does not decide. A turn is a step that is not
 * counted, since the stop is in it, and two that are. Ratios are of one turn; said are their median, least and most.
 * `processor` is what the first rank's process computed, which other work on the machine leaves alone. A virtual machine
 * may be refused its processors for a while (steal, as /proc/stat counts it): said beside each turn, and ratios are said once
 * of all turns and once of those in which at most 2 % were.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "../apps/trainer/dist/bench/median.js";
import { createRng } from "../packages/core/dist/index.js";
import { locateFfmpeg, makeSet } from "../packages/data/dist/node.js";
import { countParameters, initModel, presets } from "../packages/model/dist/index.js";

const { values } = parseArgs({
  options: {
    ranks: { type: "string", default: "2" },
    turns: { type: "string", default: "6" },
    batch: { type: "string", default: "8" },
    each: { type: "string" },
    width: { type: "string", default: "768" },
    only: { type: "string", default: "" },
  },
});
const sizes = values.ranks.split(",").map(Number);
const turns = Number(values.turns);
/** Clips of a step of so many ranks. */
const batchOf = (ranks) => (values.each === undefined ? Number(values.batch) : Number(values.each) * ranks);
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
for (const batch of new Set([1, ...sizes].map(batchOf))) {
  await makeSet({
    ...{ directory: join(folder, `media-${batch}`), ffmpeg: (await locateFfmpeg({ env: process.env })).path },
    ...{ counts: { train: batch }, seed: 1, workers: 2 },
  });
}

/** Seconds a process computed so far, all its threads together. */
function computed(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
}

/** Seconds so far, all processors together, and those of them that the host gave to somebody else. */
function given() {
  const counts = readFileSync("/proc/stat", "utf8").split("\n")[0].trim().split(/ +/).slice(1, 9).map(Number);
  return { all: counts.reduce((sum, count) => sum + count, 0), stolen: counts[7] };
}

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const read = (path) => (existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").filter(Boolean) : []);

/** Every process of a run, mpirun among them. */
const processesOf = (out) =>
  readdirSync("/proc").filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(out);
    } catch {
      return false;
    }
  });

/** The one that keeps it, which rank 0 or the only one is. */
const keeperOf = (out) =>
  processesOf(out).find((pid) => {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return !command.startsWith("mpirun\0") && !/RANK=[1-9]/.test(readFileSync(`/proc/${pid}/environ`, "utf8"));
  });

const signal = (out, name) => {
  for (const pid of processesOf(out)) process.kill(Number(pid), name);
};

/** A run that trains in its turns alone; an epoch is a step. */
function begin(objective, ranks, place) {
  const file = join(folder, `${place}.json`);
  const batch = batchOf(ranks);
  const experiment = {
    ...{ name: "speed", data: { kind: "manifest", path: join(folder, `media-${batch}`, "manifest.jsonl") }, objective },
    model: { preset: "base", ...blocks },
    masking: { kind: "complementary", views: 2, audioRatio: 0.75, visualRatio: 0.75 },
    audio: { statistics: "measured", noise: true },
    ...{ optimizer: { learningRate: 1e-5 }, training: { batch, epochs: 10_000, checkpointSeconds: 1e6 } },
  };
  writeFileSync(file, JSON.stringify(experiment));
  const out = join(folder, place);
  const mpirun = ["-n", String(ranks), "--bind-to", "none", "--allow-run-as-root", "--oversubscribe"];
  const line = [process.execPath, program, "pretrain", file, "--out", out, "--threads", "1"];
  const [command, ...args] = ranks === 1 ? line : ["mpirun", ...mpirun, ...line];
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (piece) => (said += piece));
  const lines = () => read(join(out, "log.jsonl"));
  return {
    /** Goes on for some epochs, then stands still. Their seconds, and what its first process computed in each. */
    async turn(epochs) {
      signal(out, "SIGCONT");
      const first = lines().length;
      const keeper = keeperOf(out);
      const marks = [computed(keeper)];
      while (marks.length <= epochs) {
        if (child.exitCode !== null) throw new Error(`${line.join(" ")} ended with ${child.exitCode}: ${said}`);
        await pause(5);
        while (marks.length <= Math.min(epochs, lines().length - first)) marks.push(computed(keeper));
      }
      signal(out, "SIGSTOP");
      return lines()
        .slice(first, first + epochs)
        .map((text, at) => {
          const { seconds, waited: data, ranks: { travelled = 0, waited = 0 } = {} } = JSON.parse(text);
          return { seconds: seconds + data, data, travelled, waited, processor: marks[at + 1] - marks[at] };
        });
    },
    async end() {
      const ended = new Promise((done) => child.on("close", done));
      signal(out, "SIGKILL");
      await ended;
    },
  };
}

/** The largest share of processor time refused to the machine in a turn that it had to itself. */
const STOLEN = 0.02;
const ratiosOf = (list) => {
  const ratios = list.map(({ ratio }) => ratio);
  return `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;
};
const WHATS = ["seconds", "data", "travelled", "waited", "processor"];
/** How many times the clips of one rank's step. */
const gain = ([ranks, runs]) => (runs * batchOf(ranks)) / batchOf(1);
/** The mean of several epochs, or of several runs. */
const meanOf = (list) =>
  Object.fromEntries(WHATS.map((what) => [what, list.reduce((sum, item) => sum + item[what], 0) / list.length]));

try {
  console.log(
    `${cpus()[0].model}, ${cpus().length} cores; ${(bytes / 1e9).toFixed(3)} GB of gradients, batch ${[1, ...sizes].map(batchOf).join(", ")}, ${turns} turns of 2 steps`,
  );
  for (const [name, objective] of Object.entries(objectives)) {
    if (!name.includes(values.only)) continue;
    /** How many ranks a run has, and how many runs there are at a time. */
    const ways = [[1, 1], ...sizes.flatMap((ranks) => [[ranks, 1], ...(ranks === 2 ? [[1, ranks]] : [])])];
    const running = [];
    const seen = ways.map(() => []);
    try {
      for (const [way, [ranks, runs]] of ways.entries()) {
        const places = Array.from({ length: runs }, (_, run) => `${way}-${run}`);
        running.push(places.map((place) => begin(objective, ranks, place)));
        // The first epoch makes the programs.
        await Promise.all(running[way].map((run) => run.turn(1)));
      }
      for (let turn = 0; turn < turns; turn++) {
        for (const way of ways.keys()) {
          const before = given();
          const made = await Promise.all(running[way].map((run) => run.turn(3)));
          const after = given();
          const stolen = (after.stolen - before.stolen) / (after.all - before.all);
          seen[way].push({ ...meanOf(made.flatMap((epochs) => epochs.slice(1))), stolen });
          const [last, first] = [seen[way].at(-1), seen[0].at(-1)];
          const ratio = (gain(ways[way]) * first.seconds) / last.seconds;
          console.error(
            `turn ${turn + 1}, ${ways[way].join(" ranks × ")} runs: ${last.seconds.toFixed(2)} s, ${ratio.toFixed(2)} ×, ${(100 * stolen).toFixed(1)} % stolen`,
          );
        }
      }
    } finally {
      await Promise.all(running.flat().map((run) => run.end()));
    }
    console.log(`\n${name}; load ${loadavg()[0].toFixed(1)}`);
    for (const [way, [ranks, runs]] of ways.entries()) {
      const [seconds, data, travelled, waited, processor] = WHATS.map((what) =>
        median(seen[way].map((turn) => turn[what])),
      );
      const turnsOf = seen[way].map((turn, at) => ({
        ratio: (gain([ranks, runs]) * seen[0][at].seconds) / turn.seconds,
        stolen: Math.max(turn.stolen, seen[0][at].stolen),
      }));
      const whole = turnsOf.filter(({ stolen }) => stolen <= STOLEN);
      const share = ranks === 1 ? 0 : (2 * (ranks - 1)) / ranks;
      const line = [
        runs > 1 ? `${runs} runs of 1 rank side by side` : ranks === 1 ? "1 rank" : `${ranks} ranks`,
        `${seconds.toFixed(3)} s a step`,
        ...(way === 0
          ? [
              `${Math.min(...seen[0].map((turn) => turn.seconds)).toFixed(3)} to ${Math.max(...seen[0].map((turn) => turn.seconds)).toFixed(3)}`,
            ]
          : [
              `${ratiosOf(turnsOf)} × the clips a second`,
              `with its processors to itself in ${whole.length} of ${turns} turns${whole.length > 0 ? `: ${ratiosOf(whole)} ×` : ""}`,
            ]),
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
