/** What a page shows holds: every TypeScript block is an example's or is run, and every link leads somewhere. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { protocolRecords } from "@kdc-mae/eval";
import { describe, expect, it } from "vitest";
import { checkExperiment } from "../../apps/trainer/src/pipeline/experiment/check.js";
import { experimentFrom } from "../../apps/trainer/src/pipeline/experiment/load.js";
import { blocksOf, root, shown } from "./commands.test.support.js";

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
  /** The headings of a page as a link names them: small letters, hyphens for spaces, without marks. */
  const headingsOf = (file: string) =>
    [
      ...readFileSync(file, "utf8")
        .replaceAll(/```[\s\S]*?```/g, "")
        .matchAll(/^#+ (.+)$/gm),
    ].map(([, heading]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(/\s/g, "-"),
    );
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
    const broken = targets.filter((target) => {
      if (/^(https?:|mailto:)/.test(target)) return false;
      const [path, heading] = target.split("#");
      const file = path === "" ? join(root, page) : resolve(root, dirname(page), path);
      return !existsSync(file) || (heading !== undefined && !headingsOf(file).includes(heading));
    });
    // docs/api is built, not kept.
    expect(broken.filter((target) => !/(^|\/)api\//.test(target))).toEqual([]);
  });

  it("and files that a page names between backticks are there", () => {
    const kept = spawnSync("git", ["ls-files"], { cwd: root, encoding: "utf8" }).stdout.split("\n");
    const names = new Set(kept.map((file) => basename(file)));
    const missing = pages.flatMap((page) => {
      const text = readFileSync(join(root, page), "utf8").replaceAll(/```[\s\S]*?```/g, "");
      return [...text.matchAll(/`([\w./-]+)`/g)]
        .map(([, name]) => name)
        .filter((name) => {
          if (/^(packages|apps|scripts|docs|examples|fixtures|experiments|native)\//.test(name))
            return !existsSync(join(root, name)) && !/^docs\/api\b|\/dist\b/.test(name);
          return /^[\w-]+\.test\.ts$/.test(name) && !names.has(name);
        })
        .map((name) => `${page}: ${name}`);
    });
    expect(missing).toEqual([]);
  });
});

it("the page for users of the packages names every entry that can be imported", async () => {
  const page = await readFile(join(root, "docs/packages.md"), "utf8");
  const folders = [...readdirSync(join(root, "packages")).map((name) => `packages/${name}`), "apps/trainer"];
  const entries = folders.flatMap((folder) => {
    const { name, exports } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    return Object.keys(exports)
      .filter((path) => path !== "." && path !== "./package.json")
      .map((path) => `\`${name.split("/")[1]}${path.slice(1)}\``);
  });
  expect(entries.length).toBeGreaterThan(8);
  expect(entries.filter((entry) => !page.includes(entry))).toEqual([]);
});

it("ARCHITECTURE's three ways to read it are ten files each, every one there and none twice", async () => {
  const page = await readFile(join(root, "ARCHITECTURE.md"), "utf8");
  const ways = page.split(/^\*\*(?=A .+ way\*\*)/m).slice(1);
  const files = ways.map((way) => [...way.split(/^## /m)[0].matchAll(/\]\(([^)]+)\)/g)].map(([, file]) => file));
  expect(files.map(({ length }) => length)).toEqual([10, 10, 10]);
  for (const way of files) expect(new Set(way).size).toBe(10);
  expect(files.flat().filter((file) => !file.endsWith(".ts") || !existsSync(join(root, file)))).toEqual([]);
});

it("the page on evaluation lists every protocol, and no other", async () => {
  const page = await readFile(join(root, "docs/evaluation.md"), "utf8");
  const [, table] = page.split("| name | takes | figures |");
  const rows = [...table.split("\n\n")[0].matchAll(/^\| (`.+?`) \|/gm)];
  /** `retrieval-{a,b}` is two names. */
  const spread = (name: string): string[] => {
    const [all, alternatives] = /\{(.+?)\}/.exec(name) ?? [];
    return all === undefined ? [name] : alternatives.split(",").flatMap((one) => spread(name.replace(all, one)));
  };
  const listed = rows.flatMap(([, cell]) => {
    const [first, ...others] = [...cell.matchAll(/`(.+?)`/g)].map(([, name]) => name);
    // `linear-probe-joint`, `-audio`: the last part is another.
    const whole = others.map((name) => (name.startsWith("-") ? first.replace(/-[a-z]+$/, name) : name));
    return [first, ...whole].flatMap(spread);
  });
  expect(listed.sort()).toEqual(protocolRecords.map(({ protocol }) => protocol.name).sort());
});
