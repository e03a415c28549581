/** Programs that the rehearsal needs and the project does not: each comes from the npm registry, into a cache. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Runs a program; its output is kept, and thrown where it fails. @returns what it wrote on stdout */
export function run(command, args, { cwd, env = {}, allowFailure = false, timeoutSeconds = 600 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutSeconds * 1000);
    let [out, all] = ["", ""];
    child.stdout.on("data", (text) => {
      out += text;
      all += text;
    });
    child.stderr.on("data", (text) => {
      all += text;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      if (code === 0 || allowFailure) resolve(allowFailure ? { code, out, all } : out);
      else reject(new Error(`${command} ${args.join(" ")} ended with ${code} in ${cwd}\n${all.slice(-4000)}`));
    });
  });
}

/** Puts npm packages into a folder of the cache, once. @returns the folder */
async function cached(cache, name, packages) {
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  const making = `${folder}.making`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  // Not every mirror of the registry keeps the tag by which verdaccio asks for node-fetch.
  writeFileSync(join(making, "package.json"), JSON.stringify({ private: true, overrides: { "node-fetch": "2.7.0" } }));
  const quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  await run("npm", ["install", "--prefix", making, ...quiet, ...packages], { cwd: making });
  renameSync(making, folder);
  return folder;
}

/** Path of Node of this version, out of the npm package that holds it for this platform. */
export async function nodeOf(cache, version) {
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const folder = await cached(cache, `node-${version}`, [`${name}@${version}`]);
  return join(folder, "node_modules", name, "bin", "node");
}

/** Path of a package's command, run by whichever Node. */
export async function toolOf(cache, name, version, file) {
  return join(
    await cached(cache, `${name.replace("/", "-")}-${version}`, [`${name}@${version}`]),
    "node_modules",
    name,
    file,
  );
}
