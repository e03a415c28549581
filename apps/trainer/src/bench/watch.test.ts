import { float32, type HostTensor } from "@kdc-mae/core";
import { type Execute, eager, type Runtime } from "@kdc-mae/engine";
import { mul, type Tensor1D } from "@tensorflow/tfjs-core";
import { expect, it, vi } from "vitest";
import { smallestCosine } from "./int8.js";
import { watch, watchDevice } from "./watch.js";

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

it("tells what a program takes from what is done around it", async () => {
  const slow = (async () => ({ run: () => wait(30), dispose: async () => undefined })) as unknown as Execute;
  const { execute, spent } = watch(slow);
  const program = await execute((x: never) => x, float32([1]) as HostTensor as never);
  vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
  const start = performance.now();
  const ran = program.run(float32([1]) as never);
  await vi.advanceTimersByTimeAsync(30);
  await ran;
  vi.advanceTimersByTime(10);
  const { outside } = spent(1, [(performance.now() - start) / 1000]);
  vi.useRealTimers();
  expect(outside).toBeCloseTo(0.25, 9);
});

it("counts what a device is asked to do by runs as by launches", async () => {
  const given = eager("cpu");
  const runtime = given.runtime!;
  let traffic = { dispatches: 0, bytes: 0 };
  const counting: Runtime & { readonly traffic: () => typeof traffic } = {
    ...runtime,
    traffic: () => traffic,
    compile: async (fn, example, residence) => {
      const program = await runtime.compile(fn, example, residence);
      const launch: typeof program.launch = (inputs) => {
        traffic = { dispatches: traffic.dispatches + 3, bytes: traffic.bytes + 8 };
        return program.launch(inputs);
      };
      return { ...program, launch };
    },
  };
  const { execute, spent } = watchDevice(Object.assign(eager("cpu"), { runtime: counting }));
  const double = await execute(({ x }: { x: Tensor1D }) => ({ y: mul(x, 2) as Tensor1D }), { x: float32([1]) });
  for (const value of [1, 2, 3]) {
    const { y } = await double.run({ x: float32([1], Float32Array.of(value)) });
    expect(y.data[0]).toBe(2 * value);
  }
  expect(spent(2, [1, 1])).toMatchObject({ on: runtime.name, dispatches: 3, busBytes: 8 });
  expect(spent(2, [1, 1]).javascript).toBeGreaterThan(0);
});

it("finds the row that fits worst", () => {
  const a = float32([2, 2], Float32Array.of(1, 0, 3, 4));
  const b = float32([2, 2], Float32Array.of(2, 0, 4, 3));
  expect(smallestCosine(a, b)).toBeCloseTo(24 / 25, 6);
});
