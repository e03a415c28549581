/**
 * What a page shows, runs: every command of README and docs/*.md in order, in one folder, on made clips and with sizes
 * for a test appended; every TypeScript block; and every link leads somewhere.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { locateFfmpeg, makeSet } from "@kdc-mae/data/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkExperiment } from "../apps/trainer/src/pipeline/experiment/check.js";
import { experimentFrom } from "../apps/trainer/src/pipeline/experiment/load.js";
import { codeBlocks, commandsIn } from "./readme-blocks.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const program = join(root, "apps/trainer/bin/kdc-mae.js");
const built = existsSync(join(root, "apps/trainer/dist/index.js"));
if (!built) console.info("skipped: the pages' commands run the built kdc-mae; run `build` first");

const pagesIn = (folder: string) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name));
const shown = ["README.md", "CONTRIBUTING.md", ...pagesIn("docs"), ...pagesIn("docs/measurements")];
const blocksOf = (page: string) => codeBlocks(readFileSync(join(root, page), "utf8"));

/** Sizes for a test, appended to what a page says. */
const smaller: readonly (readonly [command: RegExp, appended: string])[] = [
  [
    /^kdc-mae (demo|pretrain demo)\b/,
    "--set data.train=32 --set data.validation=16 --set data.test=32 --set training.batch=8 --set training.epochs=1",
  ],
  [/^kdc-mae finetune demo-finetune/, "--set training.epochs=1 --set averaging.from=1 --set averaging.to=1"],
  [
    /^kdc-mae ablate dropping\.ts --seeds/,
    "--seeds 1 --set data.train=16 --set data.validation=8 --set data.test=16 --set training.batch=8 --set training.epochs=1",
  ],
];

const installed = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };

describe.skipIf(!built)("commands in README and docs", () => {
  let world = "";
  beforeAll(async () => {
    world = await mkdtemp(join(tmpdir(), "kdc-pages-"));
    const { path: ffmpeg } = await locateFfmpeg({ env: process.env });
    const { items } = await makeSet({ directory: join(world, "videos"), ffmpeg, counts: { train: 12 }, seed: 5 });
    const [dog] = items;
    await copyFile(dog.path, join(world, "dog.mp4"));
    const extract = (...args: string[]) => {
      const { status, stderr } = spawnSync(ffmpeg, ["-v", "error", "-y", "-i", dog.path, ...args], { cwd: world });
      if (status !== 0) throw new Error(String(stderr));
    };
    extract("bark.wav");
    extract("-frames:v", "1", "dog.jpg");
    // VGGSound's own kind of list, of these clips.
    const rows = items.map(({ path }) => `"${path.slice(join(world, "videos").length + 1)}"`);
    await writeFile(join(world, "vggsound.csv"), `path,labels\n${rows.map((path) => `${path},dog`).join("\n")}\n`);
    await writeFile(join(world, "clips.csv"), `path,labels\n${rows.map((path) => `videos/${path},dog`).join("\n")}\n`);
  });
  afterAll(() => rm(world, { recursive: true, force: true }));

  const run = (command: string) => {
    const [, appended = ""] = smaller.find(([pattern]) => pattern.test(command)) ?? [];
    const line = `${command} ${appended}`.replace(/^kdc-mae/, `"${process.execPath}" "${program}"`);
    // A command that serves for ever is to fail here, not to hold up all that comes after it.
    const options = { cwd: world, encoding: "utf8", timeout: 550_000 } as const;
    const { status, stdout, stderr } = spawnSync("bash", ["-c", line], options);
    expect({ command, status, said: status === 0 ? "" : stdout + stderr }).toEqual({ command, status: 0, said: "" });
  };

  for (const page of shown) {
    const commands = blocksOf(page).filter(({ language, reason }) => /^(sh)?$/.test(language) && reason === undefined);
    if (commands.length === 0) continue;
    it(`${page}`, async () => {
      for (const { language, text, reason } of blocksOf(page)) {
        // A module that a page names in its first line is there for the commands below it.
        const [, name] = /^\/\/ (\S+\.ts)\n/.exec(text) ?? [];
        if (name !== undefined) await writeFile(join(world, name), text);
        if (!/^(sh)?$/.test(language) || reason !== undefined) continue;
        for (const command of commandsIn(text)) {
          const [, script] = /^npx --yes pnpm@[\d.]+ (?:run )?(\w+)$/.exec(command) ?? [];
          // CI itself runs these; that they are there is all there is to see.
          if (script !== undefined && script !== "demo")
            expect(["install", ...Object.keys(installed.scripts)]).toContain(script);
          else if (/^fixtures|kdc-mae parity fixtures/.test(command))
            run(command.replace("fixtures", join(root, "fixtures")));
          else
            run(
              command.replace(/^npx --yes pnpm@[\d.]+ (?:exec kdc-mae|demo)/, (all) =>
                all.endsWith("demo") ? "kdc-mae demo" : "kdc-mae",
              ),
            );
        }
      }
    }, 600_000);
  }
});

describe("TypeScript and JavaScript blocks", () => {
  const sources = readdirSync(join(root, "examples"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => readdirSync(join(root, "examples", name)).map((file) => join(root, "examples", name, file)))
    .filter((file) => /\.(ts|mjs|js)$/.test(file))
    .map((file) => readFileSync(file, "utf8"));

  it.each(shown.flatMap((page) => blocksOf(page).map((block) => [`${page}:${block.line}`, block] as const)))(
    "%s is quoted from an example, named for a command, an experiment, or says why not",
    async (page, { language, text, reason }) => {
      if (!/^(ts|js|mjs|py|json)$/.test(language) || reason !== undefined) return;
      // A block of JSON is an experiment.
      if (language === "json") return void checkExperiment(await experimentFrom(JSON.parse(text)), page);
      const quoted = sources.some((source) => source.includes(text.trimEnd()));
      expect(quoted || /^\/\/ \S+\.(ts|mjs)\n/.test(text), text).toBe(true);
    },
  );
});

describe("links", () => {
  const below = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return /^(node_modules|dist|api|src|runs)$/.test(entry.name) ? [] : below(path);
      return entry.name.endsWith(".md") ? [path] : [];
    });
  const pages = [
    ...["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"],
    ...["docs", "experiments", "packages", "apps", "examples"].flatMap(below),
  ];

  it.each(pages)("of %s lead somewhere", async (page) => {
    const text = (await readFile(join(root, page), "utf8")).replaceAll(/```[\s\S]*?```/g, "");
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)|<img[^>]+src="([^"]+)"/g)].map(([, a, b]) => a ?? b);
    const broken = targets.filter(
      (target) =>
        !/^(https?:|mailto:|#)/.test(target) && !existsSync(resolve(root, dirname(page), target.split("#")[0])),
    );
    // docs/api is built, not kept.
    expect(broken.filter((target) => !/(^|\/)api\//.test(target))).toEqual([]);
  });
});

it("ARCHITECTURE's three ways to read it are ten files each, every one there and none twice", async () => {
  const page = await readFile(join(root, "ARCHITECTURE.md"), "utf8");
  const ways = page.split(/^\*\*(?=A .+ way\*\*)/m).slice(1);
  const files = ways.map((way) => [...way.split(/^## /m)[0].matchAll(/\]\(([^)]+)\)/g)].map(([, file]) => file));
  expect(files.map(({ length }) => length)).toEqual([10, 10, 10]);
  for (const way of files) expect(new Set(way).size).toBe(10);
  expect(files.flat().filter((file) => !file.endsWith(".ts") || !existsSync(join(root, file)))).toEqual([]);
});
