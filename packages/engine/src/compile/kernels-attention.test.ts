import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { compile } from "../onnxruntime/compile.js";
import { expectClose, uniform } from "../parity.test.support.js";
import { eager } from "../run/eager.js";
import { runtimeForTests } from "../webgpu/adapter.test.support.js";
import { planCosts } from "../webgpu/plan-costs.js";
import { attentionAndGradients } from "../webgpu/self-test.js";
import { planFunction } from "../webgpu/webgpu-runtime.js";
import { attentionRules } from "./kernels-attention.js";

const runtime = await runtimeForTests();

describe("attention", () => {
  const rng = createRng(6);
  const inputs = {
    q: uniform(rng, [12, 5, 3], 2),
    k: uniform(rng, [12, 7, 3], 2),
    v: uniform(rng, [12, 7, 2]),
    dy: uniform(rng, [12, 5, 2]),
  };

  // Score matrices have 35 numbers: all twelve at once, two at a time, one at a time.
  it.each([
    [1000, 1],
    [75, 6],
    [1, 12],
  ])("with %i scores cached works in %i groups and equals tfjs", async (cached, groups) => {
    const program = await compile(attentionAndGradients, inputs, { rules: attentionRules(cached) });
    const softmaxes = program.graph.nodes.filter(({ op }) => op === "Softmax").length;
    expect(softmaxes).toBe(groups === 1 ? 1 : 2 * groups);
    const wanted = await (await eager("cpu"))(attentionAndGradients, inputs);
    expectClose(await program.run(inputs), await wanted.run(inputs));
    await program.dispose();
  });

  // Stacks, rows, columns, widths of queries and of values. The fused kernels: nothing a multiple of a tile, queries wider
  // than values; all of it whole tiles; then too wide a head, and few scores, which have no use for them.
  it.skipIf(runtime === undefined).each([
    [3, 101, 70, 37, 32, true],
    [9, 64, 32, 64, 64, true],
    [4, 77, 61, 130, 7, false],
    [12, 5, 7, 3, 2, false],
  ])(
    "on WebGPU, %i of %i × %i and widths %i and %i, equals tfjs",
    { timeout: 300_000 },
    async (G, N, M, d, e, isFused) => {
      const given = {
        q: uniform(rng, [G, N, d], 2),
        k: uniform(rng, [G, M, d], 2),
        v: uniform(rng, [G, M, e]),
        dy: uniform(rng, [G, N, e]),
      };
      const limits = { largest: 2 ** 28, bindings: 10 };
      const { dispatches } = planCosts(planFunction(attentionAndGradients, given, { limits, half: false }).plan);
      expect(dispatches.filter(({ family }) => family === "attention")).toHaveLength(isFused ? 3 : 0);
      const program = await runtime!.execute(attentionAndGradients, given);
      const wanted = await (await eager("cpu"))(attentionAndGradients, given);
      expectClose(await program.run(given), await wanted.run(given));
      await program.dispose();
    },
  );
});
