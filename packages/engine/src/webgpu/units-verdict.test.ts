import { KdcError } from "@kdc-mae/core";
import { expect, it, vi } from "vitest";
import { whyNotUnits } from "./units-verdict.js";

/** What is remembered, in memory. */
const memory = () => {
  const [right, wrong] = [new Set<string>(), new Map<string, string>()];
  return {
    has: async (key: string) => right.has(key),
    add: async (key: string) => void right.add(key),
    wrong: async (key: string) => wrong.get(key),
    addWrong: async (key: string, why: string) => void wrong.set(key, why),
  };
};
const families = (difference: number) => async () => [{ family: "product, small", difference }];

it.each([
  ["right", families(1e-4), undefined],
  ["wrong", families(0.3), "its own compute wrongly: product, small (off by 3.0e-1)"],
  [
    "of a driver that cannot compile their kernels",
    () => Promise.reject(new KdcError({ where: "a", what: "no such type", remedy: "c", reason: "shader" })),
    "kernels for its own do not compile: no such type",
  ],
])("units that are %s are tested once for each adapter, driver and version", async (_, found, why) => {
  const [tested, check] = [memory(), vi.fn(found)];
  expect(await whyNotUnits("card/driver 1/kernels 6", tested, check)).toBe(why);
  expect(await whyNotUnits("card/driver 1/kernels 6", tested, check)).toBe(why);
  expect(check).toHaveBeenCalledTimes(1);
  expect(await whyNotUnits("card/driver 2/kernels 6", tested, check)).toBe(why);
  expect(check).toHaveBeenCalledTimes(2);
});

it("a device that is lost meanwhile says nothing of its units", async () => {
  const tested = memory();
  const lost = new KdcError({ where: "a", what: "lost", remedy: "c", reason: "device-lost" });
  await expect(whyNotUnits("card", tested, () => Promise.reject(lost))).rejects.toBe(lost);
  expect(await whyNotUnits("card", tested, families(0))).toBeUndefined();
});
