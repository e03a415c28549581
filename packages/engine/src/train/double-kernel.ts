import {
  addDoubles,
  type Code,
  countUp,
  demoteBoth,
  expectWasm,
  fourZeros,
  get,
  load,
  mulDoubles,
  promoteFirst,
  promoteLast,
  set,
  spreadDouble,
  store,
  wasmModule,
  whole,
} from "@kdc-mae/core/wasm";

// Float32 numbers in, float64 between, as JavaScript computes: its own loops take three times as long and more, and over the
// 190 million numbers of the paper's model that is a share of a step.

/** Numbers worked on at a time: two arrays of them stay in a core's second-level cache. */
const chunk = 8192;
// Memory: two factors as float64, what squares come to as four float64 numbers, then the arrays.
const [keepAt, weightAt, squaresAt, sumAt] = [0, 8, 16, 48];
const otherAt = sumAt + 4 * chunk;
const bytes = otherAt + 4 * chunk;

// Locals: the end in bytes, the position in bytes, then vectors.
const [end, position] = [0, 1];

const squaring = (() => {
  const [values, first, last, evens, odds] = [2, 3, 4, 5, 6];
  const square = (half: number): Code => mulDoubles(get(half), get(half));
  return wasmModule({ parameters: 1, ints: 1, vectors: 5 }, [
    ...[...set(evens, fourZeros), ...set(odds, fourZeros)],
    ...countUp(position, 16, end, [
      ...set(values, load(get(position), sumAt)),
      ...[...set(first, promoteFirst(get(values))), ...set(last, promoteLast(get(values)))],
      ...set(evens, addDoubles(get(evens), square(first))),
      ...set(odds, addDoubles(get(odds), square(last))),
    ]),
    ...store(whole(0), squaresAt, get(evens)),
    ...store(whole(0), squaresAt + 16, get(odds)),
  ]);
})();

const weighing = (() => {
  const [sum, other, keep, weight] = [2, 3, 4, 5];
  const half = (promote: (a: Code) => Code): Code =>
    addDoubles(mulDoubles(promote(get(sum)), get(keep)), mulDoubles(promote(get(other)), get(weight)));
  return wasmModule({ parameters: 1, ints: 1, vectors: 4 }, [
    ...[...set(keep, spreadDouble(whole(0), keepAt)), ...set(weight, spreadDouble(whole(0), weightAt))],
    ...countUp(position, 16, end, [
      ...[...set(sum, load(get(position), sumAt)), ...set(other, load(get(position), otherAt))],
      ...store(get(position), sumAt, demoteBoth(half(promoteFirst), half(promoteLast))),
    ]),
  ]);
})();

const started = new Map<Uint8Array, ReturnType<typeof start>>();
function start(module: Uint8Array) {
  const { memory, run } = expectWasm("a training step", module, bytes);
  return {
    run,
    factors: new Float64Array(memory, keepAt, 2),
    squares: new Float64Array(memory, squaresAt, 4),
    sum: new Float32Array(memory, sumAt, chunk),
    other: new Float32Array(memory, otherAt, chunk),
  };
}

/** A module's scratch memory and function, made at first use. */
const kernel = (module: Uint8Array) => {
  const made = started.get(module) ?? start(module);
  started.set(module, made);
  return made;
};

/**
 * The sum of squares, added up as float64.
 *
 * @throws KdcError (reason `runtime`) where there is no 128-bit WebAssembly, as all of this file
 */
export function sumOfSquares(values: Float32Array): number {
  const { run, squares, sum } = kernel(squaring);
  let total = 0;
  for (let from = 0; from < values.length; from += chunk) {
    const part = values.subarray(from, from + chunk);
    sum.set(part);
    // The loop takes four numbers at a time.
    sum.fill(0, part.length);
    run(4 * part.length);
    total += squares[0] + squares[1] + (squares[2] + squares[3]);
  }
  return total;
}

/** sum ← sum · keep + other · weight, each number rounded to float32 once. */
export function weightedSum(sum: Float32Array, other: Float32Array, keep: number, weight: number): void {
  const kernels = kernel(weighing);
  kernels.factors.set([keep, weight]);
  for (let from = 0; from < sum.length; from += chunk) {
    const part = sum.subarray(from, from + chunk);
    kernels.sum.set(part);
    kernels.other.set(other.subarray(from, from + chunk));
    kernels.run(4 * part.length);
    part.set(kernels.sum.subarray(0, part.length));
  }
}
