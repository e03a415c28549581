/**
 * Compiles the declaration files of every public entry as a strict stranger does: `skipLibCheck` off, found as Node and as
 * bundlers find modules, beside the `@webgpu/types` that tfjs brings, which is older than ours; without a DOM library, which would know WebGPU too.
 * Needs a build.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const packages = [...readdirSync("packages").map((name) => join("packages", name)), join("apps", "trainer")];
const entries = packages.flatMap((folder) => {
  const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return Object.values(exports).flatMap(({ types }) => (types === undefined ? [] : [resolve(folder, types)]));
});

const scratch = mkdtempSync(join("node_modules", ".declarations-"));
const wrong = new Set();
try {
  for (const [module, moduleResolution] of [
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ]) {
    const compilerOptions = {
      ...{ strict: true, noEmit: true, target: "es2023", lib: ["es2023"], skipLibCheck: false },
      ...{ module, moduleResolution, types: ["node"], typeRoots: [resolve("node_modules", "@types")] },
    };
    const config = join(scratch, "tsconfig.json");
    writeFileSync(config, JSON.stringify({ compilerOptions, files: entries }));
    const { stdout } = spawnSync("tsc", ["-p", config, "--pretty", "false"], { encoding: "utf8" });
    // Mistakes in other people's declaration files are theirs.
    const ours = stdout
      .split("\n")
      .filter((line) => /error TS/.test(line) && !/node_modules\/(?!\.declarations)/.test(line));
    for (const line of ours) wrong.add(`${moduleResolution}: ${line}`);
  }
} finally {
  rmSync(scratch, { recursive: true });
}
for (const line of wrong) process.stdout.write(`${line}\n`);
process.stdout.write(`${entries.length} entries, ${wrong.size} mistakes in their declaration files\n`);
process.exit(wrong.size === 0 ? 0 : 1);
