/** Everything `check` holds the code to, a step a core at a time; every step runs, and any failure fails the whole. */
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";

const folders = [...readdirSync("packages").map((name) => `packages/${name}`), "apps/trainer"];
const build = ["types", ["turbo", "run", "build", "--output-logs=errors-only"]];
/** The longest first, so that no core is left idle at the end. */
const steps = [
  ["declarations", ["node", "scripts/check-declarations.mjs"]],
  ["sizes", ["size-limit"]],
  ["API pages and their links", ["node", "tools/api/node_modules/typedoc/bin/typedoc", "--options", "tools/api"]],
  ["format and lint", ["biome", "ci", "."]],
  ["arrows", ["node", "scripts/check-arrows.mjs"]],
  ["names", ["node", "scripts/check-names.mjs"]],
  ["lengths", ["node", "scripts/check-lengths.mjs"]],
  ["changesets", ["node", "scripts/check-changesets.mjs"]],
  ["unused exports", ["knip"]],
  ...folders.map((folder) => [`publint ${folder}`, ["publint", folder, "--strict"]]),
  ...folders
    .filter((folder) => folder.startsWith("packages/"))
    .map((folder) => [`attw ${folder}`, ["attw", "--pack", folder, "--profile", "esm-only", "--format", "ascii"]]),
];

/** What a step said, or undefined where it is content. */
const complaintOf = (command, options) =>
  new Promise((resolve) => {
    const env = { ...process.env, NO_COLOR: "1" };
    execFile(command, options, { encoding: "utf8", env, maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      resolve(error === null ? undefined : `${stdout}${stderr}${typeof error.code === "number" ? "" : error.message}`);
    });
  });

let failed = 0;
async function take(steps) {
  for (const [name, [command, ...options]] of steps) {
    const complaint = await complaintOf(command, options);
    if (complaint !== undefined) failed += 1;
    process.stdout.write(complaint === undefined ? `ok      ${name}\n` : `FAILED  ${name}\n${complaint}\n`);
  }
}

// What is built is what the others look at.
await take([build]);
// One row of steps, from which each of the takers takes the next.
const row = steps.values();
await Promise.all(Array.from({ length: availableParallelism() }, () => take(row)));
process.stdout.write(`check: ${steps.length + 1 - failed} steps ok, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
