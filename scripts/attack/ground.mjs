/** What is attacked: a small set of made clips, an ffmpeg that can be told to die, and one undisturbed run of everything. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
export const dist = (path) => new URL(`../../${path}`, import.meta.url).href;
export const program = join(root, "apps/trainer/bin/kdc-mae.js");

/** A generator of numbers in [0, 1) from a seed (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, below: (n) => Math.floor(next() * n), pick: (list) => list[Math.floor(next() * list.length)] };
}

/** An ffmpeg that counts its calls in $ATTACK_CALLS and is killed at those that $ATTACK_AT names. */
const wrapper = (real) => `#!/bin/sh
if [ -n "$ATTACK_CALLS" ]; then
  echo x >> "$ATTACK_CALLS"
  n=$(wc -l < "$ATTACK_CALLS")
  for k in $ATTACK_AT; do
    if [ "$n" -eq "$k" ]; then ( sleep 0.0$((n % 4)); kill -9 $$ ) >/dev/null 2>&1 & fi
  done
fi
exec '${real}' "$@"
`;

const small = {
  model: { preset: "tiny", embedDim: 16, heads: 2, modalityDepth: 1, decoderDim: 16, decoderHeads: 2 },
  optimizer: { learningRate: 1e-3 },
};

/** Makes the ground in a folder. Each command takes where its result goes, and says what of it must be equal. */
export async function makeGround(folder) {
  const { makeSet, locateFfmpeg } = await import(dist("packages/data/dist/node.js"));
  await mkdir(folder, { recursive: true });
  const real = (await locateFfmpeg({ env: process.env })).path;
  const ffmpeg = join(folder, "ffmpeg");
  await writeFile(ffmpeg, wrapper(real));
  await chmod(ffmpeg, 0o755);
  const media = join(folder, "media");
  await makeSet({ directory: media, ffmpeg: real, counts: { train: 18, test: 6 }, seed: 7, workers: 2 });
  const prepared = join(folder, "prepared");
  const model = join(folder, "model.safetensors");
  const write = (name, value) => writeFile(join(folder, name), JSON.stringify(value));
  await write("pretrain.json", {
    ...{ name: "attacked", data: { kind: "shards", path: prepared, split: "train" }, ...small },
    masking: { kind: "complementary", views: 2, audioRatio: 0.75, visualRatio: 0.75 },
    objective: [{ term: "reconstruction-audio" }, { term: "reconstruction-visual" }, { term: "contrastive" }],
    audio: { statistics: "measured", noise: true },
    training: { batch: 4, epochs: 5, checkpointSeconds: 0.001 },
  });
  await write("finetune.json", {
    ...{ name: "attacked-classifier", data: { kind: "manifest", path: join(media, "manifest.jsonl") }, ...small },
    loss: { kind: "cross-entropy", labelSmoothing: 0.1 },
    audio: { statistics: "measured", noise: true },
    evaluation: { split: "test", frames: "middle" },
    training: { batch: 4, epochs: 3, checkpointSeconds: 0.001 },
    averaging: { from: 1, to: 3 },
  });
  const at = (name) => join(folder, name);
  const commands = {
    prepare: {
      args: (out) => [
        ...["prepare", join(media, "manifest.jsonl"), "--out", out, "--clips-per-shard", "5"],
        ...["--frames", "2", "--size", "64", "--workers", "3"],
      ],
      equal: (out) => sums(out, (name) => !name.startsWith(".")),
    },
    pretrain: {
      args: (out) => ["pretrain", at("pretrain.json"), "--out", out, "--threads", "1"],
      equal: async (out) => ({
        ...(await sums(out, (name) => name === "model.safetensors" || name === "experiment.json")),
        log: await logOf(out),
      }),
    },
    finetune: {
      args: (out) => ["finetune", at("finetune.json"), "--init", model, "--out", out, "--threads", "1"],
      equal: async (out) => ({
        ...(await sums(out, (name) => /^(model|best|averaged)\.safetensors$/.test(name))),
        log: await logOf(out),
      }),
    },
    index: {
      args: (out) => ["index", join(media, "train"), "--model", model, "--index", out, "--threads", "1"],
      equal: foundIn,
    },
  };
  const env = { ...process.env, FFMPEG_PATH: ffmpeg, NO_COLOR: "1" };
  delete env.NODE_OPTIONS;
  const ground = { folder, media, prepared, model, env, commands, undisturbed: {}, seconds: {} };
  for (const name of ["prepare", "pretrain", "finetune", "index"]) {
    const out = name === "prepare" ? prepared : at(`undisturbed-${name}`);
    const began = performance.now();
    const { code, output } = await run(commands[name].args(out), { env });
    if (code !== 0) throw new Error(`the undisturbed ${name} failed: ${output}`);
    ground.seconds[name] = (performance.now() - began) / 1000;
    ground.undisturbed[name] = JSON.stringify(await commands[name].equal(out));
    if (name === "pretrain") await cp(join(out, "model.safetensors"), model);
  }
  return ground;
}

/** Runs the program to its end. */
export const run = (args, { env, timeout = 600_000 }) =>
  new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env, timeout, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : (error.code ?? error.signal ?? 1);
      resolve({ code, output: `${stdout}${stderr}` });
    });
  });

/** SHA-256 of the files of a folder. */
export async function sums(folder, takes) {
  const names = (await readdir(folder)).filter(takes).sort();
  const bytes = await Promise.all(names.map((name) => readFile(join(folder, name))));
  return Object.fromEntries(names.map((name, at) => [name, createHash("sha256").update(bytes[at]).digest("hex")]));
}

/** A run's log without its times; of an epoch that ran twice the later line counts. */
export async function logOf(folder) {
  const lines = (await readFile(join(folder, "log.jsonl"), "utf8")).split("\n").filter((line) => line !== "");
  const entries = new Map();
  for (const line of lines) {
    try {
      const { seconds, waited, ...rest } = JSON.parse(line);
      entries.set(rest.epoch, rest);
    } catch {
      // Cut by a kill.
    }
  }
  return [...entries.values()].sort((a, b) => a.epoch - b.epoch);
}

/** What an index finds, to the last digit. */
async function foundIn(folder) {
  const { openPlainStore } = await import(dist("apps/trainer/dist/pipeline/search/plain-store.js"));
  const store = await openPlainStore(folder);
  try {
    const query = Float32Array.from({ length: store.about.width }, (_, at) => Math.sin(1 + at));
    const found = {};
    for (const stream of ["audio", "visual", "joint"]) {
      const near = await store.nearest(stream, query, 1000);
      found[stream] = near.map(({ clip, cosine }) => [clip.file, clip.size, clip.windows, cosine]).sort();
    }
    return found;
  } finally {
    await store.close();
  }
}

export const remove = (path) => rm(path, { recursive: true, force: true });
