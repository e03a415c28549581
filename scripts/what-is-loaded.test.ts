import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { importGraph, waysTo } from "./import-graph.mjs";

type Import = { readonly later: boolean };
const trainer = fileURLToPath(new URL("../apps/trainer/src", import.meta.url));
const graph = importGraph(trainer) as Map<string, { readonly imports: readonly Import[] }>;
/** Without what is loaded when it is asked for. */
const atOnce = new Map(
  [...graph].map(([file, node]) => [file, { ...node, imports: node.imports.filter(({ later }) => !later) }]),
);
const engine = /^(@kdc-mae\/engine|@tensorflow\/|onnxruntime)/;
const decoders = /^@kdc-mae\/data/;
const hub = /^(@huggingface\/|jiti$)/;

/** What starts quickly because it leaves alone what it does not need: half a thousand modules take a second. */
describe("what is loaded", () => {
  it.each([
    ["pipeline/search/open-store.ts", [engine, decoders]],
    ["command-line.ts", [engine, decoders]],
    ["commands/doctor.ts", [engine]],
    ["commands/experiments.ts", [engine]],
    ["commands/explore.ts", [engine]],
    ["commands/pretrain.ts", [hub]],
    ["commands/engine-options.ts", [engine]],
    ["commands/search.ts", [engine]],
  ])(
    "by %s: no engine, no decoders, and nothing of a hub or of modules to read, where none is needed",
    (file, libraries) => {
      expect(atOnce.has(join(trainer, file))).toBe(true);
      const ways = waysTo(atOnce, join(trainer, file), (specifier: string) =>
        libraries.some((library) => library.test(specifier)),
      );
      expect(ways).toEqual([]);
    },
  );

  it("is seen by this test where it is needed", () => {
    const search = join(trainer, "pipeline/search/search-clips.ts");
    const ways = waysTo(atOnce, search, (specifier: string) => engine.test(specifier));
    expect(ways.length).toBeGreaterThan(0);
  });
});
