import {
  type FloatTensor,
  float32,
  type HostTensor,
  type IntTensor,
  int32,
  type Rng,
  sizeOf,
  type Tree,
  treeLeaves,
} from "@kdc-mae/core";
import { expect } from "vitest";
import { compiled } from "./onnxruntime/compile.js";
import { eager } from "./run/eager.js";
import { asTree, type Hosted } from "./run/program.js";
import type { Execute } from "./run/runtime.js";

/** Uniform values in [−1, 1). */
export function uniform(rng: Rng, shape: readonly number[], scale = 1): FloatTensor {
  return float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => (2 * rng.uniform() - 1) * scale),
  );
}

/** Integers in [low, high). */
export function integers(rng: Rng, shape: readonly number[], low: number, high: number): IntTensor {
  return int32(
    shape,
    Int32Array.from({ length: sizeOf(shape) }, () => low + rng.integer(high - low)),
  );
}

/** Expects two trees of host tensors to agree in shape, type and, within a tolerance relative to the size of each tensor, in values. */
export function expectClose(got: Tree<HostTensor>, wanted: Tree<HostTensor>, tolerance = 2e-5): void {
  const reference = treeLeaves(wanted);
  const leaves = treeLeaves(got);
  expect(leaves.map(([path, { shape, dtype }]) => ({ path, shape, dtype }))).toEqual(
    reference.map(([path, { shape, dtype }]) => ({ path, shape, dtype })),
  );
  for (const [index, [path, { data }]] of leaves.entries()) {
    const other = reference[index][1].data;
    const largest = Array.from(other).reduce(
      (max, value) => (Number.isFinite(value) ? Math.max(max, Math.abs(value)) : max),
      1e-3,
    );
    for (let i = 0; i < data.length; i++) {
      if (Object.is(data[i], other[i]) || data[i] === other[i]) continue;
      expect(Math.abs(data[i] - other[i]) / largest, `${path}[${i}]: ${data[i]} and ${other[i]}`).toBeLessThan(
        tolerance,
      );
    }
  }
}

/**
 * Compiles and runs a function once, and expects what eager tfjs on the cpu gives.
 *
 * @param execute what makes the program: ONNX Runtime unless given
 */
export async function expectParity<I, O>(
  fn: (inputs: I) => O,
  inputs: Hosted<I>,
  tolerance?: number,
  execute: Execute = compiled({ threads: 1 }),
): Promise<void> {
  const program = await execute(fn, inputs);
  const reference = await (await eager("cpu"))(fn, inputs);
  try {
    expectClose(asTree(await program.run(inputs)), asTree(await reference.run(inputs)), tolerance);
  } finally {
    await program.dispose();
  }
}
