import { float32, type HostTensor } from "@kdc-mae/core";
import type { Execute } from "@kdc-mae/engine";
import { expect, it } from "vitest";
import { smallestCosine } from "./int8.js";
import { watch } from "./watch.js";

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

it("tells what a program takes from what is done around it", async () => {
  const slow = (async () => ({ run: () => wait(30), dispose: async () => undefined })) as unknown as Execute;
  const { execute, spent } = watch(slow);
  const program = await execute((x: never) => x, float32([1]) as HostTensor as never);
  const start = performance.now();
  await program.run(float32([1]) as never);
  await wait(30);
  const { outside } = spent(1, [(performance.now() - start) / 1000]);
  expect(outside).toBeGreaterThan(0.2);
  expect(outside).toBeLessThan(0.8);
});

it("finds the row that fits worst", () => {
  const a = float32([2, 2], Float32Array.of(1, 0, 3, 4));
  const b = float32([2, 2], Float32Array.of(2, 0, 4, 3));
  expect(smallestCosine(a, b)).toBeCloseTo(24 / 25, 6);
});
