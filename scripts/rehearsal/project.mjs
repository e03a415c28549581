/** A blank project, one package installed in it as its README says, and what a stranger would try first. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { codeBlocks } from "../readme-blocks.mjs";
import { run } from "./tools.mjs";

const require = createRequire(import.meta.url);
const typeRoots = [join(dirname(require.resolve("@types/node/package.json")), "..")];
const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");

/** Install scripts that other people's packages bring and that fetch nothing: a greeting, a look at versions, a chmod. */
const harmless = /node_modules\/(core-js|protobufjs|@ffmpeg-installer\/[\w-]+)$/;

const sizeOf = (folder) =>
  readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink()) return sum;
    return sum + (entry.isDirectory() ? sizeOf(path) : statSync(path).size);
  }, 0);

const compilers = {
  nodenext: { module: "nodenext", moduleResolution: "nodenext", outDir: "out" },
  bundler: { module: "esnext", moduleResolution: "bundler", noEmit: true },
};

/** Installs with npm or pnpm what a README's first `npm install` line names. @returns its size in bytes */
async function install(folder, manager, packages, url) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, ".npmrc"), `registry=${url}\n`);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "blank", private: true, type: "module" }));
  // What docs/packages.md says: pnpm 12 ends with an error where a package has an install script nobody decided on.
  const command = {
    npm: ["npm", "install", "--no-audit", "--no-fund"],
    pnpm: ["npx", "--yes", "pnpm@12.21.0", "add", "--ignore-scripts"],
  };
  const [program, ...args] = command[manager];
  await run(program, [...args, ...packages], { cwd: folder });
  const lock = join(folder, "package-lock.json");
  if (existsSync(lock)) {
    const entries = Object.entries(JSON.parse(readFileSync(lock, "utf8")).packages);
    const scripts = entries.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path);
    const unknown = scripts.filter((path) => !harmless.test(path));
    if (unknown.length > 0) throw new Error(`runs install scripts: ${unknown.join(", ")}`);
  }
  return sizeOf(join(folder, "node_modules"));
}

/** A demo small enough for a rehearsal, and whole: clips made, a model trained, all four tasks, a report. */
const smallDemo = Object.entries({ "data.train": 48, "data.validation": 16, "data.test": 16, "training.epochs": 2 })
  .map(([key, value]) => `${key}=${value}`)
  .flatMap((change) => ["--set", change]);

/** What a stranger types first, in an empty folder: the command straight from the registry. @returns steps it trained */
export async function tryDemo(folder, { name, version }, url) {
  mkdirSync(folder, { recursive: true });
  const args = ["--yes", `${name}@${version}`, "demo", "--out", "run", "--media", "clips", ...smallDemo];
  await run("npx", args, { cwd: folder, env: { npm_config_registry: url }, timeoutSeconds: 900 });
  if (!existsSync(join(folder, "run", "report.html"))) throw new Error("the demo wrote no report.html");
  const log = readFileSync(join(folder, "run", "log.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const { step = 0 } = log.at(-1) ?? {};
  if (step < 2) throw new Error(`the demo's log ends at step ${step}`);
  return step;
}

/** Type-checks blocks under both ways of finding modules, declaration files included. */
async function typeCheck(folder, files) {
  for (const [name, options] of Object.entries(compilers)) {
    const config = {
      compilerOptions: {
        ...{ strict: true, target: "es2023", lib: ["es2023", "dom"], types: ["node"], typeRoots },
        ...{ rootDir: ".", noEmitOnError: false, ...options },
      },
      files,
    };
    writeFileSync(join(folder, `tsconfig.${name}.json`), JSON.stringify(config));
    const { all } = await run(process.execPath, [tsc, "-p", `tsconfig.${name}.json`], {
      cwd: folder,
      allowFailure: true,
    });
    // Mistakes in other people's declaration files are theirs.
    const ours = all.split("\n").filter((line) => /error TS/.test(line) && !/node_modules\/(?!.*@kdc-mae)/.test(line));
    if (ours.length > 0) throw new Error(`does not compile (${name}):\n${ours.join("\n")}`);
  }
}

/**
 * @param nodes path of each Node by its version
 * @returns what was found, for the table
 */
export async function tryPackage({ folder, manager, published, url, nodes }) {
  const { name } = published;
  const readme = readFileSync(join(published.folder, "README.md"), "utf8");
  const blocks = codeBlocks(readme).filter(({ reason }) => reason === undefined);
  const line = blocks.flatMap(({ text }) => text.split("\n")).find((text) => text.startsWith("npm install "));
  if (line === undefined) throw new Error(`the README of ${name} does not say how to install it`);
  const bytes = await install(folder, manager, line.split(" ").slice(2), url);

  const scripts = [];
  for (const [index, { language, text }] of blocks.entries()) {
    if (language === "ts") writeFileSync(join(folder, `block-${index}.ts`), `${text}\nexport {};\n`);
    if (language === "ts") scripts.push(join("out", `block-${index}.js`));
    if (language === "js") writeFileSync(join(folder, `block-${index}.mjs`), text);
    if (language === "js") scripts.push(`block-${index}.mjs`);
  }
  const typed = blocks.flatMap(({ language }, index) => (language === "ts" ? [`block-${index}.ts`] : []));
  await typeCheck(folder, typed);

  const { exports } = JSON.parse(readFileSync(join(published.folder, "package.json"), "utf8"));
  // engine/web is for pages: what it runs on is not installed here.
  const entries = Object.keys(exports)
    .filter((path) => path !== "./web")
    .map((path) => `${name}${path.slice(1)}`);
  const list = JSON.stringify(entries);
  writeFileSync(join(folder, "plain.mjs"), `for (const entry of ${list}) await import(entry);\n`);
  writeFileSync(
    join(folder, "common.cjs"),
    `for (const entry of ${list}) if (Object.keys(require(entry)).length === 0) throw new Error(entry + " is empty");\n`,
  );
  scripts.push("plain.mjs", "common.cjs");
  const commands = blocks
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => text.split("\n"))
    .filter((text) => text.startsWith("npx "));
  for (const [version, node] of Object.entries(nodes)) {
    const env = { PATH: `${dirname(node)}:${process.env.PATH}` };
    for (const script of scripts) {
      await run(node, [script], { cwd: folder, env }).catch((error) => {
        throw new Error(`${script} on Node ${version}: ${error.message}`);
      });
    }
  }
  for (const command of commands) {
    const [program, ...args] = command.split(/\s+/);
    await run(program, ["--yes", ...args], { cwd: folder, env: { npm_config_registry: url } });
  }
  return { name, manager, bytes, blocks: scripts.length - 2, commands: commands.length };
}
