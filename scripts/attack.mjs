/**
 * Attacks what is built: kills, concurrent pairs, full and read-only disks, crafted files, mutations. Bounded and seeded.
 *
 *   node scripts/attack.mjs [--kills 200] [--pairs 3] [--mutations 20000] [--seed 1] [--ranks 60] [--beside 2] [--only kills,disks]
 *
 * Prints a JSON report; exit code 1 when anything did not hold. docs/reliability.md says what each promise is.
 */
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runCrafted } from "./attack/crafted.mjs";
import { runDisks } from "./attack/disks.mjs";
import { makeGround, remove } from "./attack/ground.mjs";
import { killAll } from "./attack/kills.mjs";
import { runMutations } from "./attack/mutations.mjs";
import { runPairs } from "./attack/pairs.mjs";
import { killRanks } from "./attack/rank-kills.mjs";

/** Share of killed runs that must end as an undisturbed one does, bit by bit. */
const leastEqual = 0.995;

/** Runs the attacks that are asked for; `held` says whether every one held. */
export async function attack({ kills, ranks = 0, pairs, mutations, seed, beside, only, say = () => undefined }) {
  const folder = await mkdtemp(join(tmpdir(), "kdc-mae-attack-"));
  const report = { seed };
  try {
    const wanted = (name) => only === undefined || only.includes(name);
    if (wanted("ranks") && ranks > 0) {
      report.ranks = await killRanks(join(folder, "ranks"), { count: ranks, seed, say });
    }
    const ground = only?.every((name) => name === "ranks") ? undefined : await makeGround(folder);
    if (wanted("mutations")) report.mutations = await runMutations(ground, { count: mutations, seed, say });
    if (wanted("files")) report.files = await runCrafted(ground, { say });
    if (wanted("disks")) report.disks = await runDisks(ground, { say });
    if (wanted("pairs")) report.pairs = await runPairs(ground, { rounds: pairs, say });
    if (wanted("kills")) report.kills = await killAll(ground, { count: kills, seed, beside, say });
  } finally {
    await remove(folder);
  }
  const failed = [
    ...(report.mutations ?? []).filter(({ wrong }) => wrong > 0).map(({ name }) => `mutations of ${name}`),
    ...(report.files ?? []).filter(({ held }) => !held).map(({ what }) => what),
    ...(report.disks?.results ?? []).filter(({ held }) => !held).map(({ what }) => what),
    ...(report.pairs ?? []).filter(({ held }) => !held).map(({ name }) => `a pair of ${name}`),
    ...(report.ranks?.failed?.length > 0 ? ["kills across ranks"] : []),
    ...(report.kills && report.kills.equal < leastEqual * report.kills.runs ? ["kills"] : []),
  ];
  return { ...report, failed, held: failed.length === 0 };
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const { values } = parseArgs({
    options: {
      kills: { type: "string", default: "200" },
      ranks: { type: "string", default: "60" },
      pairs: { type: "string", default: "3" },
      mutations: { type: "string", default: "20000" },
      seed: { type: "string", default: "1" },
      beside: { type: "string", default: "2" },
      only: { type: "string" },
      out: { type: "string" },
    },
  });
  const [kills, ranks, pairs, mutations, seed, beside] = ["kills", "ranks", "pairs", "mutations", "seed", "beside"].map(
    (name) => Number(values[name]),
  );
  const say = (line) => process.stderr.write(`${line}\n`);
  const report = await attack({ kills, ranks, pairs, mutations, seed, beside, only: values.only?.split(","), say });
  const text = `${JSON.stringify(report, null, 1)}\n`;
  if (values.out !== undefined) await writeFile(values.out, text);
  process.stdout.write(text);
  process.exitCode = report.held ? 0 : 1;
}
