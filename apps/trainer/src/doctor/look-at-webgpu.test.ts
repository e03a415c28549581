import { KdcError } from "@kdc-mae/core";
import { expect, it } from "vitest";
import { lookAtWebGpu } from "./look-at-webgpu.js";

/** What is found where adapters have these features, and those precisions fail. */
async function looksAt(features: readonly string[], ...wrong: readonly string[]) {
  let open = 0;
  const found = await lookAtWebGpu(async (precision) => {
    if (wrong.includes(precision))
      throw new KdcError({ where: "w", what: `${precision} computes wrongly: sort`, remedy: "Update the driver" });
    open += 1;
    const adapter = { vendor: "v", architecture: "a", device: "d", description: "e", features };
    const dispose = async () => {
      open -= 1;
    };
    return { name: `WebGPU, d (e), ${precision}`, adapter, dispose };
  });
  expect(open).toBe(0);
  return found.map(({ precision, usable, reason }) => [precision, usable, reason]);
}

it("looks at both precisions where the adapter has half precision, and says where it has none", async () => {
  const right = (precision: string) => [
    ...[precision, true],
    `WebGPU, d (e), ${precision}: every family of kernels computes right`,
  ];
  expect(await looksAt(["shader-f16"])).toEqual([right("float32"), right("mixed")]);
  expect(await looksAt(["subgroups"])).toEqual([
    right("float32"),
    ["mixed", false, expect.stringContaining("the adapter has no half precision (shader-f16)")],
  ]);
  expect(await looksAt(["shader-f16"], "mixed")).toEqual([
    right("float32"),
    ["mixed", false, "mixed computes wrongly: sort"],
  ]);
  expect(await looksAt(["shader-f16"], "float32")).toEqual([["float32", false, "float32 computes wrongly: sort"]]);
});
