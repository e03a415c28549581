import {
  absFloat,
  type Code,
  countUp,
  demote,
  expectWasm,
  fromLong,
  get,
  maxFloat,
  plusLong,
  promote,
  readDouble,
  readFloat,
  readLong,
  set,
  shiftLeft,
  timesDouble,
  toLong,
  wasmModule,
  whole,
  writeFloat,
  writeLong,
} from "@kdc-mae/core/wasm";

/** Numbers worked on at a time. */
const chunk = 8192;

// Memory: the factor as float64, the largest number seen as float32, then float32 numbers and their 64-bit sums.
const [factorAt, largestAt, floatsAt] = [0, 8, 16];
const sumsAt = floatsAt + 4 * chunk;

// Locals: the end in bytes of the float32 numbers, the position in them, and the largest number.
const [end, largest, position] = [0, 1, 2];
const number: Code = readFloat(get(position), floatsAt);
const place: Code = shiftLeft(get(position), 1);
const factor: Code = readDouble(whole(0), factorAt);

const adding = wasmModule({ parameters: 1, floatParameters: 1, ints: 1, vectors: 0 }, [
  ...countUp(position, 4, end, [
    ...set(largest, maxFloat(get(largest), absFloat(number))),
    ...writeLong(place, sumsAt, plusLong(readLong(place, sumsAt), toLong(timesDouble(promote(number), factor)))),
  ]),
  ...writeFloat(whole(0), largestAt, get(largest)),
]);

const reading = wasmModule(
  { parameters: 1, floatParameters: 1, ints: 1, vectors: 0 },
  countUp(
    position,
    4,
    end,
    writeFloat(get(position), floatsAt, demote(timesDouble(fromLong(readLong(place, sumsAt)), factor))),
  ),
);

/** Sums of float32 numbers as whole numbers of 64 bits, in which the order of adding does not show. */
export type ExactKernel = {
  /**
   * sums ← sums + round(values · factor)
   *
   * @param largest absolute value seen so far
   * @returns the largest absolute value, these among them; NaN where there is one
   */
  readonly add: (sums: BigInt64Array, values: Float32Array, factor: number, largest: number) => number;
  /** values ← sums · factor */
  readonly read: (sums: BigInt64Array, values: Float32Array, factor: number) => void;
};

function start(module: Uint8Array) {
  const remedy = ", or set training.reproducible to false";
  const { memory, run } = expectWasm("exact sums", module, sumsAt + 8 * chunk, remedy);
  return {
    run,
    head: new DataView(memory),
    floats: new Float32Array(memory, floatsAt, chunk),
    longs: new BigInt64Array(memory, sumsAt, chunk),
  };
}

/** Makes a kernel with scratch memory of its own (200 KB). */
export function createExactKernel(): ExactKernel {
  const [adder, reader] = [start(adding), start(reading)];
  const over = (length: number, work: (from: number, to: number) => void) => {
    for (let from = 0; from < length; from += chunk) work(from, Math.min(length, from + chunk));
  };
  return {
    add(sums, values, factor, largest) {
      let seen = largest;
      adder.head.setFloat64(factorAt, factor, true);
      over(values.length, (from, to) => {
        adder.floats.set(values.subarray(from, to));
        adder.longs.set(sums.subarray(from, to));
        adder.run(4 * (to - from), seen);
        sums.set(adder.longs.subarray(0, to - from), from);
        seen = adder.head.getFloat32(largestAt, true);
      });
      return seen;
    },
    read(sums, values, factor) {
      reader.head.setFloat64(factorAt, factor, true);
      over(values.length, (from, to) => {
        reader.longs.set(sums.subarray(from, to));
        reader.run(4 * (to - from), 0);
        values.set(reader.floats.subarray(0, to - from), from);
      });
    },
  };
}
