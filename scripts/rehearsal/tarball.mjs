/** What must be, and what must not be, in a package as it is published. */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./tools.mjs";

const filesIn = (folder, below = "") =>
  readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesIn(folder, join(below, entry.name)) : [join(below, entry.name)],
  );

/** Programs of threads that a file starts and that are not there: it would go on without them, slower, and say nothing. */
const missingThreads = (inside, file, files) =>
  [...readFileSync(join(inside, file), "utf8").matchAll(/"\.\/([\w-]*worker\.js)"/g)]
    .filter(([, name]) => !files.has(join(file, "..", name)))
    .map(([, name]) => `${file} starts ${name}, which is not there`);

/** @returns size of the tarball in bytes @throws Error naming what is missing or too much */
export async function checkTarball({ name, version }, folder, url) {
  mkdirSync(folder, { recursive: true });
  const quiet = ["--json", "--loglevel=error", `--registry=${url}`];
  const [{ filename, size }] = JSON.parse(await run("npm", ["pack", `${name}@${version}`, ...quiet], { cwd: folder }));
  await run("tar", ["xzf", filename], { cwd: folder });
  const inside = join(folder, "package");
  const files = new Set(filesIn(inside));
  const problems = ["README.md", "LICENSE", "package.json"]
    .filter((file) => !files.has(file))
    .map((file) => `no ${file}`);
  for (const file of files) {
    if (/\.test\./.test(file) || file.endsWith(".tsbuildinfo")) problems.push(`${file} is there`);
    if (file.endsWith(".js")) problems.push(...missingThreads(inside, file, files));
    if (!/\.(js|ts)\.map$/.test(file)) continue;
    const { sources, sourcesContent } = JSON.parse(readFileSync(join(inside, file), "utf8"));
    const missing = sources.filter((source) => !sourcesContent && !files.has(join(file, "..", source)));
    if (missing.length > 0) problems.push(`${file} points at ${missing[0]}, which is not there`);
  }
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(join(inside, "package.json"), "utf8"),
  );
  for (const [dependency, range] of Object.entries({ ...dependencies, ...optionalDependencies })) {
    if (/^(workspace|file|link):/.test(range)) problems.push(`depends on ${dependency} as ${range}`);
  }
  if (problems.length > 0) throw new Error(`tarball of ${name}: ${problems.slice(0, 5).join("; ")}`);
  return size;
}
