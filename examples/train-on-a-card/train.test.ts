import { readFile } from "node:fs/promises";
import { createWebGpuRuntime } from "@kdc-mae/engine";
import { expect, it, vi } from "vitest";

const file = (path: string) => readFile(new URL(path, import.meta.url), "utf8");
const missing = await createWebGpuRuntime({ tested: { has: async () => true, add: async () => undefined } })
  .then((runtime) => runtime.dispose())
  .catch((error: Error) => error.message);
if (missing !== undefined) console.info(`skipped on WebGPU: ${missing}`);

it("the page shows this program, in about 30 lines", async () => {
  const [program, page] = [await file("train.mjs"), await file("../../docs/webgpu.md")];
  expect(page).toContain(`\`\`\`js\n${program}\`\`\``);
  expect(program.trimEnd().split("\n").length).toBeLessThanOrEqual(34);
});

it.skipIf(missing !== undefined)("it runs, and the loss falls", { timeout: 300_000 }, async () => {
  const said: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
  await import("./train.mjs").finally(() => vi.restoreAllMocks());
  const losses = said.flatMap((line) => /^step \d+: ([\d.]+)$/.exec(line)?.slice(1).map(Number) ?? []);
  expect(losses).toHaveLength(3);
  expect(losses[2]).toBeLessThan(losses[0]);
  expect(losses[2]).toBeLessThan(0.1);
  expect(said.at(-1)).toMatch(/^on WebGPU, .+; first weights -?\d/);
});
