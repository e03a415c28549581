/** Kills: the program, its whole group, a child of it, its `-version` probe; then the same command again until it ends. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { program, randomFrom, remove } from "./ground.mjs";

/** Begins the program in a group of its own. */
function begin(args, env) {
  const child = spawn(process.execPath, [program, ...args], { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => (output += piece));
  const ended = new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal })));
  return { child, ended, output: () => output };
}

const signal = (pid, group) => {
  try {
    process.kill(group ? -pid : pid, "SIGKILL");
    return true;
  } catch {
    return false;
  }
};

/** One run that is killed a few times on its way, and what became of it. */
async function killedRun(ground, name, out, random, most) {
  const { args, equal } = ground.commands[name];
  const env = { ...ground.env };
  const calls = join(ground.folder, `calls-${random.below(1e9)}`);
  const usesFfmpeg = name !== "pretrain";
  let kills = 0;
  const how = [];
  // Children die at calls that are drawn before: the first is the `-version` probe, later ones decode.
  if (usesFfmpeg && random.next() < 0.5) {
    const at = random.next() < 0.4 ? [1] : [1 + random.below(24)];
    Object.assign(env, { ATTACK_CALLS: calls, ATTACK_AT: at.join(" ") });
    how.push(at[0] === 1 ? "probe" : "child");
  }
  const wanted = how.length > 0 ? random.below(most) : 1 + random.below(most);
  let output = "";
  for (let round = 0; round < most + 6; round++) {
    const running = begin(args(out), env);
    const group = random.next() < 0.5;
    const wait = 1000 * ground.seconds[name] * (0.1 + 0.9 * random.next());
    const timer = round < wanted ? setTimeout(() => signal(running.child.pid, group), wait) : undefined;
    const { code, signal: by } = await running.ended;
    clearTimeout(timer);
    if (by === "SIGKILL") {
      kills++;
      how.push(group ? "group" : "self");
      continue;
    }
    output = running.output();
    if (code === 0) break;
  }
  if (env.ATTACK_AT !== undefined) {
    const count = (await readFile(calls, "utf8").catch(() => "")).split("\n").length - 1;
    if (count >= Number(env.ATTACK_AT)) kills++;
    else how.splice(0, 1);
    await remove(calls);
  }
  const found = await equal(out).then(JSON.stringify, (error) => `nothing to compare: ${error.message}`);
  const same = found === ground.undisturbed[name];
  return { name, kills, how, same, ...(same ? {} : { output: output.slice(-2000), found: found.slice(0, 600) }) };
}

/** Runs commands by turns, each killed one to `most` times, until `count` kills are done; `beside` at a time. */
export async function killAll(ground, { count, seed, beside = 2, most = 4, say }) {
  const runs = [];
  let [kills, started] = [0, 0];
  const names = ["prepare", "pretrain", "finetune", "index"];
  const worker = async () => {
    while (kills < count) {
      const number = started++;
      const name = names[number % names.length];
      const out = join(ground.folder, `killed-${number}`);
      const result = await killedRun(ground, name, out, randomFrom(seed + 7919 * number), most);
      kills += result.kills;
      runs.push(result);
      if (result.same) await remove(out);
      say(`kills ${kills}/${count}, runs ${runs.length}, unequal ${runs.filter(({ same }) => !same).length}`);
    }
  };
  await Promise.all(Array.from({ length: beside }, worker));
  const tally = {};
  for (const { how } of runs) for (const one of how) tally[one] = (tally[one] ?? 0) + 1;
  const unequal = runs.filter(({ same }) => !same);
  return { kills, runs: runs.length, tally, equal: runs.length - unequal.length, unequal };
}
