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
    if (entry.isDirectory()) return sources(path);
    return /(?<!\.test|\.test\.\w+)\.ts$/.test(entry.name) ? [path] : [];
  });

/** The code of every `@example` of a file, without the stars in front. */
const examplesOf = (file: string): string[] =>
  [...readFileSync(file, "utf8").matchAll(/@example\n \* ```ts\n([\s\S]*?)\n \* ```/g)].map(([, lines]) =>
    lines.replaceAll(/^ \* ?/gm, ""),
  );

it("every @example of the packages compiles, and each package has some", () => {
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "examples-"));
  try {
    const counts = packages.map((name) => {
      const found = sources(join(root, "packages", name, "src")).flatMap(examplesOf);
      for (const [index, text] of found.entries()) {
        writeFileSync(join(folder, `${name}-${index}.ts`), `${text}\nexport {};\n`);
      }
      return [name, found.length] as const;
    });
    const paths = {
      ...Object.fromEntries(
        packages.flatMap((name) => [
          [`@kdc-mae/${name}`, [`../../../packages/${name}/src/index.ts`]],
          [`@kdc-mae/${name}/*`, [`../../../packages/${name}/src/*.ts`]],
        ]),
      ),
      "@tensorflow/tfjs-core": ["../../../packages/engine/node_modules/@tensorflow/tfjs-core"],
    };
    const compilerOptions = {
      ...{ strict: true, noEmit: true, skipLibCheck: true, target: "es2023", lib: ["es2023"] },
      ...{ module: "esnext", moduleResolution: "bundler", types: ["node"], paths },
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
    expect(stdout).toBe("");
    expect(counts.filter(([, count]) => count < 3)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
