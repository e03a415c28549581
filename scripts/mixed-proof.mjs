/**
 * Is mixed precision to be believed? The demo's recipe for 400 steps (10 epochs of 40) with three seeds in float32, and
 * with the same seeds in mixed precision emulated on the processor (factors of products rounded to half precision, the
 * loss scaled; the evaluation too). Every figure of the report beside the least and the largest of float32's three.
 *
 *   node scripts/mixed-proof.mjs [folder] [key=value…]     after a build; a quarter of an hour on two free cores
 *
 * Ended and started again, it goes on where it was. Prints the table as it stands after every precision and seed as
 * Markdown; exits 1 where a figure of the first seed in mixed precision lies outside.
 */
import { join } from "node:path";
import { ablate, named, workOutArms } from "@kdc-mae/trainer";
import { checkAblation } from "../apps/trainer/dist/pipeline/ablate/load.js";
import { compiled } from "../packages/engine/dist/node.js";
import { markdownTable } from "../packages/eval/dist/report.js";

const [root = "runs/mixed-proof", ...change] = process.argv.slice(2);
const ablation = checkAblation(
  // Runs are made once where two arms are equal, and an ablation has two.
  {
    name: "mixed-proof",
    base: "demo",
    arms: [{ name: "recipe" }, { name: "same" }],
    change: ["training.epochs=10", ...change],
  },
  "mixed-proof.mjs",
);
const arms = workOutArms(ablation, named.demo, []);
const first = arms.base.seed;
const done = { float32: [], mixed: [] };

/** Runs one seed in one precision. */
async function take(precision, seed) {
  const { comparison, finished } = await ablate({
    ...{ ablation, arms, seeds: [seed], out: join(root, precision), media: join(root, "media") },
    execute: compiled({ precision }),
    ...{ engine: `compiled (ONNX Runtime, cpu), ${precision}`, settings: [] },
    onNote: (note) => console.error(`${precision}, seed ${seed}: ${note}`),
  });
  if (!finished) process.exit(130);
  const [{ rows }] = comparison.tables;
  done[precision].push({ seed, figures: rows[0].figures, cost: rows[0].cost });
  return comparison;
}

const digits = (value) => value.toPrecision(4);
function show(comparison) {
  const outside = [];
  const rows = comparison.figures.map(({ key, name }) => {
    const of = (precision) => done[precision].map(({ figures }) => figures[key].mean);
    const [plain, mixed] = [of("float32"), of("mixed")];
    const [least, most] = [Math.min(...plain), Math.max(...plain)];
    if (mixed.length > 0 && (mixed[0] < least || mixed[0] > most)) outside.push(name);
    const words = mixed.length === 0 ? "" : outside.includes(name) ? "no" : "yes";
    return [
      name,
      ...[0, 1, 2].map((at) => (plain[at] === undefined ? "" : digits(plain[at]))),
      mixed.map(digits).join(", "),
      words,
    ];
  });
  const seeds = [first, first + 1, first + 2].map((seed) => `float32, seed ${seed}`);
  console.log(markdownTable(["figure", ...seeds, `mixed, seeds from ${first} on`, "first within the three"], rows));
  for (const [precision, runs] of Object.entries(done)) {
    const steps = runs.map(({ cost }) => `${cost.steps} steps in ${Math.round(cost.pretrainSeconds)} s`);
    console.log(`${precision}: ${steps.join(", ")}`);
  }
  return outside;
}

let outside = [];
for (const [precision, more] of [
  ["float32", 0],
  ["mixed", 0],
  ["float32", 1],
  ["float32", 2],
  ["mixed", 1],
  ["mixed", 2],
]) {
  outside = show(await take(precision, first + more));
}
process.exit(outside.length > 0 ? 1 : 0);
