/**
 * Kills across ranks: a pretraining of 2 or 3 ranks under mpirun loses one of them, mpirun itself or a child that
 * decodes, at a random moment; then the same command again, with as many ranks or other, until it ends.
 */
import { execFile, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dist, logOf, program, randomFrom, remove, sums } from "./ground.mjs";

const mpirun = (ranks) => ["-n", String(ranks), "--bind-to", "none", "--allow-run-as-root", "--oversubscribe"];
/** What a run that is to be started again may end with: our own words for it, mpirun's for a signal. */
const REQUEUE = [75, 130, 137, 143];
/** Seconds in which all ranks must be gone. */
const MOST = 15;

/** Why there is nothing to attack; undefined where there is. */
export const whyNot = () =>
  spawnSync("mpirun", ["--version"]).status === 0
    ? undefined
    : "there is no mpirun; Debian: apt-get install openmpi-bin";

/** Every process by its number: its parent and its command line. */
async function processes() {
  const found = new Map();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = await readFile(`/proc/${name}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (state !== "Z") found.set(Number(name), Number(parent));
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

/** Those below a process, nearest first. */
function below(all, pid) {
  const next = [...all].filter(([, parent]) => parent === pid).map(([child]) => child);
  return [...next, ...next.flatMap((child) => below(all, child))];
}

/** A small set, in memory and as shards, and what undisturbed runs of one process make of it. */
async function rankGround(folder) {
  const { makeSet, locateFfmpeg } = await import(dist("packages/data/dist/node.js"));
  await mkdir(folder, { recursive: true });
  const env = { ...process.env, NO_COLOR: "1" };
  delete env.NODE_OPTIONS;
  const ffmpeg = (await locateFfmpeg({ env })).path;
  const media = join(folder, "media");
  await makeSet({ directory: media, ffmpeg, counts: { train: 8 }, seed: 7, workers: 2 });
  const prepared = join(folder, "prepared");
  const once = (args) =>
    new Promise((resolve, reject) => {
      execFile(process.execPath, [program, ...args], { env }, (error, out, err) =>
        error === null ? resolve(out) : reject(new Error(`${args.join(" ")}: ${err}`)),
      );
    });
  await once([
    ...["prepare", join(media, "manifest.jsonl"), "--out", prepared, "--clips-per-shard", "3"],
    ...["--frames", "2", "--size", "64", "--workers", "2"],
  ]);
  const ground = { folder, env, undisturbed: {}, seconds: {} };
  const sources = {
    memory: { kind: "manifest", path: join(media, "manifest.jsonl") },
    shards: { kind: "shards", path: prepared, split: "train" },
  };
  for (const [name, data] of Object.entries(sources)) {
    await writeFile(
      join(folder, `${name}.json`),
      JSON.stringify({
        ...{ name: `ranks-${name}`, data },
        model: { preset: "tiny", embedDim: 16, heads: 2, modalityDepth: 1, decoderDim: 16, decoderHeads: 2 },
        masking: { kind: "complementary", views: 2, audioRatio: 0.75, visualRatio: 0.75 },
        objective: [
          ...[{ term: "reconstruction-audio" }, { term: "reconstruction-visual" }, { term: "contrastive" }],
          { term: "view-distillation" },
        ],
        optimizer: { learningRate: 1e-3, clipNorm: 1 },
        audio: { statistics: "measured", noise: true },
        training: { batch: 4, epochs: 40, checkpointSeconds: 0.001, reproducible: true },
      }),
    );
    const out = join(folder, `undisturbed-${name}`);
    const began = performance.now();
    await once(argsOf(ground, name, out));
    ground.seconds[name] = (performance.now() - began) / 1000;
    ground.undisturbed[name] = await outcome(out);
  }
  return ground;
}

const argsOf = ({ folder }, name, out) => ["pretrain", join(folder, `${name}.json`), "--out", out, "--threads", "1"];

/** What must be equal: the model's bytes, and the log without times and the number of ranks. */
const outcome = async (out) =>
  JSON.stringify({
    ...(await sums(out, (name) => name === "model.safetensors")),
    log: (await logOf(out)).map(({ ranks, ...rest }) => rest),
  });

const signalTo = (pid, signal) => {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
};

/** Runs once; a kill hits after `wait` milliseconds. Says how it ended, and how long the others took to end. */
async function once(ground, name, out, ranks, strike) {
  const child = spawn("mpirun", [...mpirun(ranks), process.execPath, program, ...argsOf(ground, name, out)], {
    ...{ env: ground.env, stdio: ["ignore", "pipe", "pipe"] },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => (output += piece));
  const ended = new Promise((resolve) => child.on("exit", (code, signal) => resolve({ code, signal })));
  let hit;
  const timer =
    strike &&
    setTimeout(async () => {
      const all = await processes();
      const own = [...all].filter(([, parent]) => parent === child.pid).map(([pid]) => pid);
      const children = own.flatMap((pid) => below(all, pid));
      const { victim, signal, draw } = strike;
      const targets = { rank: own, mpirun: [child.pid], child: children.length > 0 ? children : own }[victim];
      const pid = targets[Math.floor(draw * targets.length)];
      if (pid === undefined || !signalTo(pid, signal)) return;
      const what = victim === "child" && children.length === 0 ? "rank" : victim;
      hit = {
        what,
        signal,
        trains: existsSync(join(out, "state.safetensors")),
        at: performance.now(),
        group: [child.pid, ...own],
      };
    }, strike.wait);
  const { code, signal } = await ended;
  clearTimeout(timer);
  let took;
  if (hit !== undefined) {
    while ((await processes().then((all) => hit.group.filter((pid) => all.has(pid)))).length > 0) {
      if (performance.now() - hit.at > 60_000) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    took = (performance.now() - hit.at) / 1000;
  }
  return { code: code ?? 128 + (signal === "SIGKILL" ? 9 : 15), output, hit, took };
}

/** One run that is killed on its way, and what became of it. */
async function killedRun(ground, number, random) {
  const name = number % 2 === 0 ? "memory" : "shards";
  const out = join(ground.folder, `killed-${number}`);
  const wanted = 1 + random.below(3);
  const how = [];
  const wrong = [];
  let [trained, slowest] = [0, 0];
  let output = "";
  for (let round = 0; round < wanted + 4; round++) {
    const ranks = 2 + random.below(2);
    const victim = random.pick(["rank", "rank", "mpirun", "child"]);
    const signal = victim === "child" || random.next() < 0.6 ? "SIGKILL" : "SIGTERM";
    // Starting is most of it under mpirun; a run that ends before it is hit costs its time alone, and sets the pace.
    const wait = 1000 * ground.seconds[name] * (0.3 + 1.2 * random.next());
    const began = performance.now();
    const ended = await once(ground, name, out, ranks, round < wanted && { victim, signal, draw: random.next(), wait });
    // It was over before it could be hit: the machine is faster now than it was.
    if (round === 0 && ended.hit === undefined) ground.seconds[name] = (performance.now() - began) / 1000;
    if (ended.hit !== undefined) {
      how.push(`${ended.hit.what} ${ended.hit.signal} of ${ranks}`);
      if (ended.hit.trains) trained++;
      if (ended.hit.what !== "child") slowest = Math.max(slowest, ended.took);
      // A decoder that died is called again, and the run goes on.
      if (ended.hit.what !== "child" && ended.took > MOST)
        wrong.push(`the others took ${ended.took.toFixed(1)} s to end`);
      // mpirun itself, asked to end, says 1 whatever its ranks say.
      const isTold = ended.hit.what === "mpirun" && ended.hit.signal === "SIGTERM" && ended.code === 1;
      if (ended.code !== 0 && !isTold && !REQUEUE.includes(ended.code))
        wrong.push(`exit code ${ended.code}: ${ended.output.slice(-1500)}`);
    }
    output = ended.output;
    if (ended.code === 0) break;
  }
  const found = await outcome(out).catch((error) => `nothing to compare: ${error.message}`);
  const same = found === ground.undisturbed[name];
  if (same && wrong.length === 0) await remove(out);
  return {
    name,
    how,
    trained,
    slowest,
    same,
    wrong,
    ...(same ? {} : { found: found.slice(0, 600), output: output.slice(-2000) }),
  };
}

/** Runs, killed each one to three times, until `count` kills are done. */
export async function killRanks(folder, { count, seed, say }) {
  const skipped = whyNot();
  if (skipped !== undefined) return { skipped };
  const ground = await rankGround(folder);
  const runs = [];
  const tally = {};
  for (let [number, kills] = [0, 0]; kills < count; number++) {
    const run = await killedRun(ground, number, randomFrom(seed + 7919 * number));
    runs.push(run);
    kills += run.how.length;
    for (const how of run.how) tally[how] = (tally[how] ?? 0) + 1;
    say(
      `kills across ranks ${kills}/${count}, runs ${runs.length}, unequal ${runs.filter(({ same }) => !same).length}, wrong ${runs.flatMap(({ wrong }) => wrong).length}`,
    );
  }
  const failed = runs.filter(({ same, wrong }) => !same || wrong.length > 0);
  const kills = Object.values(tally).reduce((sum, times) => sum + times, 0);
  const trained = runs.reduce((sum, run) => sum + run.trained, 0);
  const slowest = Math.max(...runs.map((run) => run.slowest));
  return { kills, trained, slowest, runs: runs.length, tally, equal: runs.filter(({ same }) => same).length, failed };
}
