import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";

it("names what stands in the built page and its workers, with its license", async () => {
  const text = await readFile(new URL("../../dist/licenses.md", import.meta.url), "utf8").catch(() => undefined);
  if (text === undefined) throw new Error("build the page first: pnpm run build");
  const named = [...text.matchAll(/^## (\S+) \S+ \((.+)\)$/gm)].map(([, name, license]) => `${name} ${license}`);
  expect(named).toEqual(expect.arrayContaining(["mediabunny MPL-2.0", "onnxruntime-web MIT", "umap-js MIT"]));
  expect(named.some((line) => line.startsWith("@tensorflow/tfjs-core Apache"))).toBe(true);
  expect(named.filter((line) => line.includes("no license named"))).toEqual([]);
});
