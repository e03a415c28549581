/**
 * Runs one small experiment in two checkouts and compares every figure to the last digit: a demo's report, parity, an
 * ablation's table, and a pretraining that is interrupted and goes on. For moving code without moving numbers.
 *
 *   node scripts/same-figures.mjs BEFORE AFTER        two checkouts, installed and built; about two minutes each
 *
 * Times, machines and names of engines are left out. Exit code 1 where anything else differs.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [before, after] = process.argv.slice(2).map((path) => resolve(path));
if (after === undefined) {
  process.stderr.write("usage: node scripts/same-figures.mjs BEFORE AFTER\n");
  process.exit(2);
}

/** Small enough for minutes, large enough that every task has something to say. */
const small = [
  ...["data.train=48", "data.validation=16", "data.test=32", "training.epochs=2", "training.batch=16"],
  ...["visual.framesPerClip=2"],
].flatMap((change) => ["--set", change]);

/** Keys whose values are no figures, or differ from run to run. */
const passedOver = /^(.*seconds|waited|folder|engine|machine|settings|command|about|cost|notes)$/i;

/** Every number and word of a value, by its path. */
function* leaves(value, path = "") {
  if (typeof value !== "object" || value === null) yield [path, value];
  else
    for (const [key, child] of Object.entries(value)) {
      if (!passedOver.test(key)) yield* leaves(child, `${path}/${key}`);
    }
}

/** Runs a command line of a checkout. `interruptWhen`: sent SIGINT once this file is there. */
function run(checkout, args, interruptWhen) {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [join(checkout, "apps/trainer/bin/kdc-mae.js"), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, err] = [[], []];
    child.stdout.on("data", (chunk) => out.push(chunk));
    child.stderr.on("data", (chunk) => err.push(chunk));
    const watch =
      interruptWhen &&
      setInterval(() => {
        if (!existsSync(interruptWhen)) return;
        child.kill("SIGINT");
        clearInterval(watch);
      }, 20);
    child.on("close", (code) => {
      clearInterval(watch);
      const text = Buffer.concat(out).toString();
      if (code === 0 || (interruptWhen && code === 130)) done(text);
      else fail(new Error(`${args.join(" ")} in ${checkout} exited ${code}\n${Buffer.concat(err)}`));
    });
  });
}

const lines = (text) =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** Everything compared of one checkout, by name. */
async function figuresOf(checkout, work, media) {
  const shared = ["--media", media];
  const demo = JSON.parse(await run(checkout, ["demo", "--json", "--out", join(work, "demo"), ...shared, ...small]));
  const parity = JSON.parse(await run(checkout, ["parity", join(checkout, "fixtures/seed0"), "--json"]));
  const ablate = ["ablate", "ablation-objectives", "--seeds", "1", "--json", "--out", join(work, "ablate")];
  const table = JSON.parse(await run(checkout, [...ablate, ...shared, ...small]));
  const log = join(work, "resumed", "log.jsonl");
  const pretrain = ["pretrain", "demo", "--out", join(work, "resumed"), ...shared, ...small];
  const longer = ["--set", "training.epochs=4"];
  await run(checkout, [...pretrain, ...longer], log);
  await run(checkout, [...pretrain, ...longer]);
  return { demo, parity, table, resumed: lines(await readFile(log, "utf8")) };
}

const work = await mkdtemp(join(tmpdir(), "kdc-mae-same-figures-"));
try {
  const media = join(work, "media");
  const [first, second] = [
    await figuresOf(before, join(work, "before"), media),
    await figuresOf(after, join(work, "after"), media),
  ];
  let differing = 0;
  for (const name of Object.keys(first)) {
    const [was, is] = [new Map(leaves(first[name])), new Map(leaves(second[name]))];
    const paths = new Set([...was.keys(), ...is.keys()]);
    const changed = [...paths].filter((path) => !Object.is(was.get(path), is.get(path)));
    differing += changed.length;
    process.stdout.write(`${name}: ${paths.size} values, ${changed.length} differ\n`);
    for (const path of changed.slice(0, 20)) {
      process.stdout.write(`  ${path}: ${String(was.get(path)).slice(0, 80)} → ${String(is.get(path)).slice(0, 80)}\n`);
    }
  }
  process.exitCode = differing === 0 ? 0 : 1;
} finally {
  await rm(work, { recursive: true, force: true });
}
