import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

/** Every file reached from one by relative imports, and every other module they name. */
function reach(file: string, files = new Set<string>(), modules = new Set<string>()) {
  if (files.has(file)) return { files, modules };
  files.add(file);
  for (const [, name] of readFileSync(file, "utf8").matchAll(/^(?:import|export)\b[^;]*?from "([^"]+)";/gm)) {
    if (name.startsWith(".")) reach(resolve(dirname(file), name.replace(/\.js$/, ".ts")), files, modules);
    else modules.add(name);
  }
  return { files, modules };
}
const from = (name: string) => reach(fileURLToPath(new URL(name, import.meta.url)));

it("the main entry reaches nothing that a browser lacks", () => {
  const { files, modules } = from("./index.ts");
  expect(files.size).toBeGreaterThan(10);
  expect([...modules].sort()).toEqual(["@kdc-mae/core", "@kdc-mae/core/wasm"]);
});

it("the node entry reaches ffmpeg and files, so the walk above does find imports", () => {
  expect([...from("./node.ts").modules]).toEqual(expect.arrayContaining(["fluent-ffmpeg", "node:fs/promises"]));
});
