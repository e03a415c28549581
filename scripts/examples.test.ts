import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const packages = readdirSync(join(root, "packages"));

const sources = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ["node_modules", "dist"].includes(entry.name) ? [] : sources(path);
    return /(?<!\.test|\.test\.\w+)\.ts$/.test(entry.name) ? [path] : [];
  });

/** Every `@example` of a file: what it belongs to, and its code without the stars in front. */
const examplesOf = (file: string) =>
  [
    ...readFileSync(file, "utf8").matchAll(
      /@example\n \* ```ts\n([\s\S]*?)\n \* ```\n \*\/\n(?:export (?:async )?(?:const|function|class) (\w+))?/g,
    ),
  ].map(([, lines, name]) => ({ name, text: lines.replaceAll(/^ \* ?/gm, "") }));

const found = packages.map((name) => ({
  name,
  examples: sources(join(root, "packages", name, "src")).flatMap(examplesOf),
}));

/** How many files of the apps, the examples and the READMEs import each export of a package; types left out. */
function usesOf(name: string): Map<string, number> {
  const readmes = ["README.md", ...packages.map((other) => `packages/${other}/README.md`)].map((path) =>
    join(root, path),
  );
  const files = [...["apps", "examples"].flatMap((folder) => sources(join(root, folder))), ...readmes];
  const imports = new RegExp(`import \\{([^}]*)\\} from "@kdc-mae/${name}(?:/\\w+)?"`, "g");
  const counts = new Map<string, number>();
  for (const file of files) {
    const parts = [...readFileSync(file, "utf8").matchAll(imports)].flatMap(([, list]) => list.split(","));
    const names = parts.map((part) => part.trim().split(" as ")[0]).filter((part) => /^\w+$/.test(part));
    for (const used of new Set(names)) counts.set(used, (counts.get(used) ?? 0) + 1);
  }
  return counts;
}

/** The ten most used, without those that share the tenth place. */
function mostUsed(name: string): string[] {
  const uses = [...usesOf(name)].sort(([, a], [, b]) => b - a);
  const tenth = uses[9]?.[1] ?? 0;
  return uses.filter(([, count]) => count > tenth).map(([used]) => used);
}

it("each package has ten examples, its most used exports among them", () => {
  const missing = found.flatMap(({ name, examples }) => {
    const have = new Set(examples.map((example) => example.name));
    return mostUsed(name)
      .filter((used) => !have.has(used))
      .map((used) => `${name}: ${used}`);
  });
  expect(missing).toEqual([]);
  // masking exports seven functions, and each has its own.
  const counts = found.map(({ name, examples }) => [name, examples.length, name === "masking" ? 7 : 10] as const);
  expect(counts.filter(([, count, least]) => count < least)).toEqual([]);
});

it("every @example of the packages compiles", () => {
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "examples-"));
  try {
    for (const { name, examples } of found) {
      for (const [index, { text }] of examples.entries()) {
        writeFileSync(join(folder, `${name}-${index}.ts`), `${text}\nexport {};\n`);
      }
    }
    const tensorflow = (library: string) => [`../../../packages/engine/node_modules/@tensorflow/${library}`];
    const paths = {
      ...Object.fromEntries(
        packages.flatMap((name) => [
          [`@kdc-mae/${name}`, [`../../../packages/${name}/src/index.ts`]],
          [`@kdc-mae/${name}/*`, [`../../../packages/${name}/src/*.ts`]],
        ]),
      ),
      "@tensorflow/tfjs": tensorflow("tfjs"),
      "@tensorflow/tfjs-core": tensorflow("tfjs-core"),
    };
    const compilerOptions = {
      ...{ strict: true, noEmit: true, skipLibCheck: true, target: "es2023", lib: ["es2023"] },
      ...{ module: "esnext", moduleResolution: "bundler", types: ["node"], paths },
    };
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions, include: ["*.ts", "../../../packages/*/src/**/*.d.ts"] }),
    );
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
    expect(stdout).toBe("");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
