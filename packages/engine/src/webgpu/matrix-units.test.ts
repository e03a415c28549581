import { createRng, float32, type HostTensor, sizeOf } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { eager } from "../run/eager.js";
import { openAdapter } from "./adapter.js";
import { runtimeForTests } from "./adapter.test.support.js";
import { prepareLaunch } from "./launch.js";
import type { MatrixUnits } from "./matrix-units.js";
import { limits, nullDevice, nvidia, planWithoutUnits, unitsCodes } from "./matrix-units.test.support.js";
import { checkFamilies } from "./self-test.js";
import { planFunction } from "./webgpu-runtime.js";

/** Half as deep, for tiles of float32 in the same memory. */
const shallow: MatrixUnits = { ...nvidia, K: 8 };

const rng = createRng("matrix units");
const noise = (...shape: number[]): HostTensor =>
  float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => 2 * rng.uniform() - 1),
  );

type Given = { readonly a: tf.Tensor; readonly b: tf.Tensor };
/** Sizes of a product, and which factors lie turned. Edges at every side, stacks, sums in pieces; the first fills a tile of 128, the others of 64. */
const products = [
  { a: [2, 100, 40], b: [40, 98], turned: [false, false] },
  { a: [4, 40, 60], b: [40, 70], turned: [true, false] },
  { a: [35, 1100], b: [50, 1100], turned: [false, true] },
  { a: [2, 520, 40], b: [2, 50, 520], turned: [true, true] },
] as const;
const functionOf =
  ([turnA, turnB]: readonly boolean[]) =>
  ({ a, b }: Given) =>
    tf.relu(tf.add(tf.matMul(a, b, turnA, turnB), 0.25));
const planOf = ({ a, b, turned }: (typeof products)[number], units: MatrixUnits) =>
  planFunction(functionOf(turned), { a: noise(...a), b: noise(...b) } as never, { limits, half: true, units }).plan;
const adapter = await openAdapter().catch(() => undefined);

describe("products on matrix units", () => {
  it("are taken where a product fills a tile, and its operands are rounded", () => {
    for (const one of products) expect(unitsCodes(planOf(one, nvidia)), one.a.join()).toHaveLength(1);
    const small = { a: [5, 600], b: [600, 5], turned: [false, false] } as never;
    expect(unitsCodes(planOf(small, nvidia))).toEqual([]);
    const [{ a, b, turned }] = products;
    const given = { a: noise(...a), b: noise(...b) } as never;
    expect(unitsCodes(planFunction(functionOf(turned), given, { limits, half: false, units: nvidia }).plan)).toEqual(
      [],
    );
  });

  it("are WGSL that Dawn's compiler takes", async () => {
    const device = await nullDevice();
    for (const one of products) {
      for (const code of unitsCodes(planOf(one, nvidia))) {
        const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
        expect(messages.map(({ message }) => message)).toEqual([]);
      }
    }
    const wrong = unitsCodes(planOf(products[0], nvidia))[0].replace("row_major>(&squares", "row_major>(&aTile");
    device.pushErrorScope("validation");
    const { messages } = await device.createShaderModule({ code: wrong }).getCompilationInfo();
    expect(messages).not.toEqual([]);
    expect(await device.popErrorScope()).not.toBeNull();
    device.destroy();
  });

  it.skipIf(adapter === undefined)(
    "give a product's numbers, the units' own work done by plain WGSL",
    { timeout: 600_000 },
    async () => {
      for (const one of products.filter((_, index) => index !== 1)) {
        const plan = planOf(one, shallow);
        const launcher = await prepareLaunch(adapter!.device, planWithoutUnits(plan, shallow));
        const given = { a: noise(...one.a), b: noise(...one.b) };
        const got = await [...(await launcher.launch(given as never)).values()][0].read();
        const wanted = (await (
          await eager("cpu")(functionOf(one.turned), given as never)
        ).run(given as never)) as HostTensor;
        expect(got.shape).toEqual(wanted.shape);
        // Operands rounded to 11 bits: their products' errors grow with the root of the sum's length.
        const most = 2 ** -11 * Math.sqrt(one.turned[0] ? one.a.at(-2)! : one.a.at(-1)!);
        const apart = Math.max(...Array.from(got.data, (value, at) => Math.abs(value - wanted.data[at])));
        expect(apart, one.a.join()).toBeLessThan(most);
        launcher.dispose();
      }
    },
  );

  it("run on an adapter that has them, and are as right as without", { timeout: 600_000 }, async (context) => {
    const runtime = await runtimeForTests({ precision: "mixed" });
    if (!runtime?.name.includes(", matrix units")) {
      console.info(`skipped: ${runtime?.name ?? "no adapter"} (Mesa 26's software driver, llvmpipe, has matrix units)`);
      return context.skip();
    }
    const found = await checkFamilies(runtime.execute);
    console.info(
      `${runtime.name}: ${found.map(({ family, difference }) => `${family}: ${difference.toExponential(1)}`).join(", ")}`,
    );
    for (const { difference } of found) expect(difference).toBeLessThan(2e-3);
  });
});
