/**
 * `node take-files.mjs linux-x64`: puts onnxruntime-node's files for one platform beside the package that publishes
 * them. Runs before each packing; what it writes is in no commit.
 */
import { cpSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const platform = process.argv[2];
const require = createRequire(new URL("../packages/engine/package.json", import.meta.url));
const from = join(dirname(require.resolve("onnxruntime-node")), "..");
const to = fileURLToPath(new URL(`onnxruntime-${platform}`, import.meta.url));

const theirs = JSON.parse(readFileSync(join(from, "package.json"), "utf8")).version;
const ours = JSON.parse(readFileSync(join(to, "package.json"), "utf8")).version;
if (theirs !== ours) throw new Error(`onnxruntime-node is ${theirs}, the package that is to hold it ${ours}`);

for (const folder of ["dist", "bin"]) rmSync(join(to, folder), { recursive: true, force: true });
cpSync(join(from, "dist"), join(to, "dist"), { recursive: true, filter: (path) => !path.endsWith(".map") });
const binaries = join("bin", "napi-v6", ...platform.split("-"));
cpSync(join(from, binaries), join(to, binaries), { recursive: true });
