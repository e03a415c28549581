import { createRng, float32, type HostTensor, sizeOf, treeLeaves } from "@kdc-mae/core";
import type * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { eager } from "../run/eager.js";
import { openAdapter } from "./adapter.js";
import { prepareLaunch } from "./launch.js";
import type { MatrixUnits } from "./matrix-units.js";
import { limits, nullDevice, nvidia, planWithoutUnits, unitsCodes } from "./matrix-units.test.support.js";
import { attentionAndGradients } from "./self-test.js";
import { planFunction } from "./webgpu-runtime.js";

const rng = createRng("attention on matrix units");
const noise = (...shape: number[]): HostTensor =>
  float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => 2 * rng.uniform() - 1),
  );

type Sizes = Readonly<Record<"G" | "N" | "M" | "d" | "e", number>>;
const given = ({ G, N, M, d, e }: Sizes) => ({
  ...{ q: noise(G, N, d), k: noise(G, M, d) },
  ...{ v: noise(G, M, e), dy: noise(G, N, e) },
});
type Given = Readonly<Record<"q" | "k" | "v" | "dy", tf.Tensor>>;
const fn = (all: Given) => attentionAndGradients(all);
const planOf = (sizes: Sizes, units: MatrixUnits, half = true) =>
  planFunction(fn, given(sizes) as never, { limits, half, units }).plan;
const sizes: Sizes = { G: 4, N: 67, M: 70, d: 32, e: 32 };

const adapter = await openAdapter().catch(() => undefined);

describe("attention on matrix units", () => {
  it("is taken for heads of 32 and 64 and rows that fill a tile, where a workgroup has the memory", () => {
    const kernels = (changes: Partial<Sizes>, units: MatrixUnits, half?: boolean) =>
      unitsCodes(planOf({ ...sizes, ...changes }, units, half)).length;
    expect(kernels({}, nvidia)).toBe(3);
    expect(kernels({ d: 64, e: 64 }, nvidia)).toBe(3);
    expect(kernels({ d: 36 }, nvidia)).toBe(0);
    expect(kernels({ N: 1000, M: 20 }, nvidia)).toBe(0);
    expect(kernels({}, { ...nvidia, memory: 16 * 1024 })).toBe(0);
    expect(kernels({}, nvidia, false)).toBe(0);
  });

  it("is WGSL that Dawn's compiler takes, within the memory it was planned for", async () => {
    const device = await nullDevice();
    for (const [d, e] of [
      [32, 32],
      [64, 64],
      [64, 32],
    ]) {
      for (const code of unitsCodes(planOf({ ...sizes, d, e }, nvidia))) {
        const module = device.createShaderModule({ code });
        const { messages } = await module.getCompilationInfo();
        expect(messages.map(({ message }) => message)).toEqual([]);
        const bytes = [...code.matchAll(/var<workgroup> \w+: array<(f16|f32|vec2f), (\d+)>/g)].map(
          ([, type, count]) => Number(count) * { f16: 2, f32: 4, vec2f: 8 }[type]!,
        );
        expect(bytes.reduce((all, one) => all + one, 0)).toBeLessThanOrEqual(nvidia.memory);
      }
    }
    device.destroy();
  });

  it.skipIf(adapter === undefined)(
    "gives attention's numbers and gradients, the units' own work done by plain WGSL",
    { timeout: 600_000 },
    async () => {
      // Small squares: in plain WGSL tiles are of float32, and have to fit into 32 KB.
      const small: MatrixUnits = { M: 8, N: 8, K: 8, subgroup: 32, memory: 32 * 1024 };
      const inputs = given(sizes);
      const plan = planOf(sizes, small);
      expect(unitsCodes(plan)).toHaveLength(3);
      const launcher = await prepareLaunch(adapter!.device, planWithoutUnits(plan, small));
      const got = await launcher.launch(inputs as never);
      const wanted = treeLeaves<HostTensor>(await (await eager("cpu")(fn, inputs as never)).run(inputs as never));
      expect([...got.keys()].sort()).toEqual(wanted.map(([path]) => path).sort());
      for (const [path, { data: other }] of wanted) {
        const { data } = await got.get(path)!.read();
        const size = Math.max(...Array.from(other, Math.abs));
        const apart = Math.max(...Array.from(data, (value, at) => Math.abs(value - other[at]))) / size;
        expect(apart, path).toBeLessThan(2e-3);
      }
      launcher.dispose();
    },
  );
});
