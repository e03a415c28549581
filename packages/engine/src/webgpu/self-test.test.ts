import { expect, it } from "vitest";
import { eager } from "../run/eager.js";
import type { Execute } from "../run/runtime.js";
import { runtimeForTests } from "./adapter.test.support.js";
import { checkFamilies, expectRight } from "./self-test.js";
import { createWebGpuRuntime } from "./webgpu-runtime.js";

const runtime = (await runtimeForTests())!;

it.skipIf(runtime === undefined)(
  "every family of kernels is right, and an adapter is asked once",
  { timeout: 300_000 },
  async () => {
    const keys = new Set<string>();
    const tested = { has: async (key: string) => keys.has(key), add: async (key: string) => void keys.add(key) };
    // Tested in `createWebGpuRuntime` and once more here, by pipelines that are there then.
    const { execute } = await createWebGpuRuntime({ tested });
    expect([...keys][0]).toMatch(/float32\/kernels \d+$/);
    const found = await checkFamilies(execute);
    console.info(found.map(({ family, difference }) => `${family}: ${difference.toExponential(1)}`).join(", "));
    for (const { difference } of found) expect(difference).toBeLessThan(5e-5);
  },
);

it("an adapter that is wrong is refused, by family", async () => {
  const right = eager("cpu");
  const broken: Execute = async (fn, example) => {
    const program = await right(fn, example);
    return {
      ...program,
      run: async (inputs) => {
        const result = (await program.run(inputs)) as Record<string, { data: Float32Array }>;
        if ("softmax" in result) result.softmax.data[3] += 0.01;
        return result as never;
      },
    };
  };
  const found = await checkFamilies(broken);
  expect(() => expectRight("this adapter", "float32", found)).toThrow(/this adapter computes wrongly: row \(off by/);
  expect(() => expectRight("this adapter", "float32", [{ family: "row", difference: Number.NaN }])).toThrow("row");
});
