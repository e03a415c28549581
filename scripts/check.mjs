/** Everything `check` holds the code to, one step after the other; every step runs, and any failure fails the whole. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

const folders = [...readdirSync("packages").map((name) => `packages/${name}`), "apps/trainer"];
const steps = [
  ["format and lint", ["biome", "ci", "."]],
  ["types", ["turbo", "run", "build", "--output-logs=errors-only"]],
  ["arrows", ["node", "scripts/check-arrows.mjs"]],
  ["names", ["node", "scripts/check-names.mjs"]],
  ["lengths", ["node", "scripts/check-lengths.mjs"]],
  ["changesets", ["node", "scripts/check-changesets.mjs"]],
  ["unused exports", ["knip"]],
  ...folders.map((folder) => [`publint ${folder}`, ["publint", folder, "--strict"]]),
  ...folders
    .filter((folder) => folder.startsWith("packages/"))
    .map((folder) => [`attw ${folder}`, ["attw", "--pack", folder, "--profile", "esm-only", "--format", "ascii"]]),
  ["declarations", ["node", "scripts/check-declarations.mjs"]],
  ["sizes", ["size-limit"]],
  ["API pages and their links", ["node", "tools/api/node_modules/typedoc/bin/typedoc", "--options", "tools/api"]],
];

let failed = 0;
for (const [name, [command, ...options]] of steps) {
  const { status, stdout, stderr } = spawnSync(command, options, {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  if (status === 0) process.stdout.write(`ok      ${name}\n`);
  else {
    failed += 1;
    process.stdout.write(`FAILED  ${name}\n${stdout}${stderr}\n`);
  }
}
process.stdout.write(`check: ${steps.length - failed} steps ok, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
