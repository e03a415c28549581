import {
  add,
  advance,
  type Code,
  countDown,
  fourZeros,
  get,
  load,
  mul,
  plus,
  set,
  shiftLeft,
  spread,
  startWasm,
  store,
  wasmModule,
} from "@kdc-mae/core/wasm";
import type { Kernel } from "./kernel.js";

// Locals: six parameters, seven counters and pointers (i32), then eleven vectors.
const [left, right, out, leftPanels, rightPanels, depth] = [0, 1, 2, 3, 4, 5];
const [stride, leftAt, outRow, x, y, panels, steps] = [6, 7, 8, 9, 10, 11, 12];
const sum = (index: number) => 13 + index;
const [nearRight, farRight, broadcast] = [21, 22, 23];
const four = [0, 1, 2, 3];
const eight = [...four, 4, 5, 6, 7];

const copy = (from: number, to: number): Code => set(to, get(from));
const accumulate = (index: number, vector: number): Code =>
  set(sum(index), add(get(sum(index)), mul(get(broadcast), get(vector))));

/** One step: four left numbers, each spread over four lanes and multiplied with the eight right ones. */
const step: Code = [
  ...[...set(nearRight, load(get(y))), ...set(farRight, load(get(y), 16))],
  ...four.flatMap((row) => [
    ...set(broadcast, spread(get(x), 4 * row)),
    ...[...accumulate(2 * row, nearRight), ...accumulate(2 * row + 1, farRight)],
  ]),
  ...[...advance(x, 16), ...advance(y, 32)],
];
/** Eight sums of four lanes stay in registers until the panel is done. */
const leftPanel: Code = [
  ...eight.flatMap((index) => set(sum(index), fourZeros)),
  ...[...copy(leftAt, x), ...copy(right, y), ...copy(depth, steps), ...countDown(steps, step)],
  ...four.flatMap((row) => [
    ...store(get(outRow), 0, get(sum(2 * row))),
    ...store(get(outRow), 16, get(sum(2 * row + 1))),
    ...set(outRow, plus(get(outRow), get(stride))),
  ]),
  ...copy(x, leftAt),
];
const rightPanel: Code = [
  ...[...copy(left, leftAt), ...copy(out, outRow), ...copy(leftPanels, panels), ...countDown(panels, leftPanel)],
  ...[...copy(y, right), ...advance(out, 32)],
];
const program = wasmModule({ parameters: 6, ints: 7, vectors: 11 }, [
  ...set(stride, shiftLeft(get(rightPanels), 5)),
  ...countDown(rightPanels, rightPanel),
]);

/**
 * {@link Kernel} as 128-bit WebAssembly, assembled from the instructions above: about ten times the array kernel.
 * Undefined where there is none.
 */
export function wasmKernel(floats: number): Kernel | undefined {
  const started = startWasm(program, 4 * floats);
  return (
    started && {
      name: "wasm-simd",
      space: new Float32Array(started.memory),
      tile: (a, b, to, leftPanels, rightPanels, depth) =>
        started.run(4 * a, 4 * b, 4 * to, leftPanels, rightPanels, depth),
    }
  );
}
