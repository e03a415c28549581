import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const isBuilt = existsSync(at("dist/main.js"));
const isThere = spawnSync("mpirun", ["--version"]).status === 0;
if (!isBuilt) process.stdout.write("skipped: the packages are not built, so there is no kdc-mae for mpirun to start\n");
if (!isThere) process.stdout.write("skipped: there is no mpirun (Debian: openmpi-bin)\n");

/** Whether `mpirun` can start the program; where it cannot, the reason was printed. */
export const canStart = isBuilt && isThere;

/** Containers run as root, with fewer cores than ranks. */
const freely = ["--bind-to", "none", "--allow-run-as-root", "--oversubscribe"];

function startNode(ranks: number, args: readonly string[], env = {}): ChildProcess {
  const line = [process.execPath, ...args];
  const [program, ...rest] = ranks === 1 ? line : ["mpirun", "-n", String(ranks), ...freely, ...line];
  return spawn(program, rest, { env: { ...process.env, NO_COLOR: "1", ...env }, stdio: ["ignore", "pipe", "pipe"] });
}

/** The program by the built command line, with `mpirun` where there is more than one rank. */
export const start = (ranks: number, args: readonly string[], env = {}): ChildProcess =>
  startNode(ranks, [at("bin/kdc-mae.js"), ...args], env);

/** A module of text that finds the built open-mpi.js as `openMpi`, on so many ranks. */
export const runText = (ranks: number, text: string) => {
  const openMpi = JSON.stringify(new URL("../../dist/pipeline/ranks/open-mpi.js", import.meta.url).href);
  return ended(startNode(ranks, ["--input-type=module", "--eval", `const openMpi = ${openMpi};\n${text}`]));
};

/** How a program ended, and what it said: `out` to stdout, `output` all of it. */
export async function ended(child: ChildProcess) {
  let [out, output] = ["", ""];
  child.stdout?.on("data", (piece) => {
    out += piece;
    output += piece;
  });
  child.stderr?.on("data", (piece) => (output += piece));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, out, output };
}

export const run = (ranks: number, args: readonly string[], env = {}) => ended(start(ranks, args, env));

/** The processes that a process started. */
export const below = (pid: number): readonly number[] =>
  spawnSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" })
    .stdout.trim()
    .split(/\s+/)
    .map(Number);
