import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { expect, it, vi } from "vitest";
import { lookAtWebGpu } from "./look-at-webgpu.js";
import { testedAdapters } from "./tested-adapters.js";

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

it("keeps what was found of adapters, right or wrong, until they are tested again", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kdc-mae-adapters-"));
  vi.stubEnv("XDG_CACHE_HOME", folder);
  const [first, later] = [testedAdapters(), testedAdapters()];
  await first.add("card/float32");
  await first.addWrong?.("card/units", "they compute wrongly");
  expect([await later.has("card/float32"), await later.has("card/units")]).toEqual([true, false]);
  expect([await later.wrong?.("card/float32"), await later.wrong?.("card/units")]).toEqual([
    ...[undefined, "they compute wrongly"],
  ]);
  const again = testedAdapters({ again: true });
  expect([await again.has("card/float32"), await again.wrong?.("card/units")]).toEqual([false, undefined]);
  await again.add("card/units");
  expect([await later.has("card/units"), await later.wrong?.("card/units")]).toEqual([true, undefined]);
  expect(JSON.parse(await readFile(join(folder, "kdc-mae", "adapters.json"), "utf8"))).toEqual([
    ...["card/float32", "card/units"],
  ]);
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});
