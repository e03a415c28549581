import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it, vi } from "vitest";
import { runCommandLine } from "../command-line.js";
import { commandNames } from "./command-names.test.support.js";

/** What `--help` says, and what pages say of it. */

afterEach(() => vi.restoreAllMocks());

const foldersIn = (root: string) => (folder: string) =>
  readdirSync(join(root, folder)).map((name) => join(folder, name));
const pagesIn = (root: string) => (folder: string) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => readFileSync(join(root, folder, name), "utf8"));

it.each([
  ["stream", "0.5 s"],
  ["embed", "their length"],
  ["index", "their length"],
])("%s --help says that a window begins every %s unless told", async (name, hop) => {
  let out = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += text;
    return true;
  });
  expect(await runCommandLine([name, "--help"])).toBe(0);
  const words = out.replace(/\s+/g, " ");
  expect(words).toContain(`--hop <seconds> time between the starts of two windows (default: ${hop})`);
  expect(words).not.toContain("little delay");
});

it("every option names one default at most, and pages show only commands and options that there are", async () => {
  const root = fileURLToPath(new URL("../../../..", import.meta.url));
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const folders = ["docs", "docs/measurements", "experiments", ...["apps", "examples"].flatMap(foldersIn(root))];
  const pages = [readme, ...folders.flatMap(pagesIn(root))];
  const commands = await commandNames();
  let out = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += text;
    return true;
  });
  expect(commands).toContain("distill");
  const options = new Map<string, Set<string>>();
  for (const name of commands) {
    out = "";
    await runCommandLine([name, "--help"]);
    const lines = out.replace(/\n {8,}(?=\S)/g, " ").split("\n");
    expect(lines.filter((line) => (line.match(/default: /g) ?? []).length > 1)).toEqual([]);
    expect(out).not.toContain("default: none");
    options.set(name, new Set([...out.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, option]) => option)));
  }

  // What pages show is there: README's table has every command, and no page has an option that its command lacks.
  const [, table] = readme.split("| every command | |");
  const listed = [...table.split("\n\n")[0].matchAll(/^\| (.*?) \|/gm)].flatMap(
    ([, cell]) => cell.match(/\b[a-z][a-z-]+/g) ?? [],
  );
  expect(listed.sort()).toEqual([...commands].sort());
  const shown = pages.flatMap((page) =>
    [...page.replaceAll(/\\\n\s*/g, "").matchAll(/kdc-mae ([a-z-]+)((?: (?!#)[^\s`|;&]+)*)/g)].flatMap(
      ([line, name, rest]) => [...rest.matchAll(/(?<= )--[a-z][\w-]*/g)].map(([option]) => ({ line, name, option })),
    ),
  );
  expect(shown.length).toBeGreaterThan(200);
  expect(shown.filter(({ name, option }) => options.get(name)?.has(option) === false)).toEqual([]);
});
