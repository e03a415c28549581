import {
  add,
  type Code,
  countUp,
  div,
  expectWasm,
  get,
  load,
  mul,
  set,
  splat,
  squareRoot,
  store,
  sub,
  wasmModule,
} from "@kdc-mae/core/wasm";

/**
 * The arithmetic of one Adam update as a WebAssembly SIMD loop. JavaScript
 * numbers are doubles, and a scalar loop of them takes three times as long.
 *
 * gradient ← scale · gradient + coupled · value, m ← β₁ m + (1 − β₁) gradient, v ← β₂ v + (1 − β₂) gradient²,
 * value ← shrink · value − rate · m / (√v · rootCorrection + ε)
 */
export type AdamCoefficients = {
  readonly rate: number;
  readonly scale: number;
  readonly beta1: number;
  readonly rest1: number;
  readonly beta2: number;
  readonly rest2: number;
  readonly epsilon: number;
  /** Weight decay added to the gradient. */
  readonly coupled: number;
  /** What a value is multiplied by before the step. */
  readonly shrink: number;
  /** 1 / √(1 − β₂ᵗ) */
  readonly rootCorrection: number;
};

const names = [
  "rate",
  "scale",
  "beta1",
  "rest1",
  "beta2",
  "rest2",
  "epsilon",
  "coupled",
  "shrink",
  "rootCorrection",
] as const satisfies readonly (keyof AdamCoefficients)[];

/** Numbers worked on at a time: four arrays of them stay in a core's second-level cache. */
const chunk = 8192;
const arrayBytes = chunk * 4;

// Locals: the end in bytes, the coefficients as numbers, the position in bytes, the coefficients as vectors, the values.
const end = 0;
const position = 1 + names.length;
const coefficient = (name: (typeof names)[number]): Code => get(position + 1 + names.indexOf(name));
const [value, gradient, first, second] = [0, 1, 2, 3].map((index) => position + 1 + names.length + index);
const read = (array: number): Code => load(get(position), array * arrayBytes);
const write = (array: number, what: Code): Code => store(get(position), array * arrayBytes, what);

const step: Code = [
  ...set(value, read(0)),
  ...set(gradient, add(mul(read(1), coefficient("scale")), mul(get(value), coefficient("coupled")))),
  ...set(first, add(mul(read(2), coefficient("beta1")), mul(get(gradient), coefficient("rest1")))),
  ...set(second, add(mul(read(3), coefficient("beta2")), mul(mul(get(gradient), get(gradient)), coefficient("rest2")))),
  ...[...write(2, get(first)), ...write(3, get(second))],
  ...write(
    0,
    sub(
      mul(get(value), coefficient("shrink")),
      div(
        mul(get(first), coefficient("rate")),
        add(mul(squareRoot(get(second)), coefficient("rootCorrection")), coefficient("epsilon")),
      ),
    ),
  ),
];

const moduleBytes = wasmModule({ parameters: 1, floatParameters: names.length, ints: 1, vectors: names.length + 4 }, [
  ...names.flatMap((_, index) => set(position + 1 + index, splat(get(1 + index)))),
  ...countUp(position, 16, end, step),
]);

/** Updates values and both moments in place, whatever their length. */
export type AdamKernel = (
  values: Float32Array,
  gradients: Float32Array,
  first: Float32Array,
  second: Float32Array,
  coefficients: AdamCoefficients,
) => void;

/** Values and both moments; gradients stay as they are. */
const changed = [0, 2, 3] as const;

/** Makes a kernel with scratch memory of its own (128 KB). */
export function createAdamKernel(): AdamKernel {
  const { memory, run } = expectWasm("adam", moduleBytes, 4 * arrayBytes);
  const scratch = [0, 1, 2, 3].map((array) => new Float32Array(memory, array * arrayBytes, chunk));
  return (values, gradients, firsts, seconds, coefficients) => {
    const arrays = [values, gradients, firsts, seconds];
    const numbers = names.map((name) => coefficients[name]);
    for (let start = 0; start < values.length; start += chunk) {
      const count = Math.min(chunk, values.length - start);
      const whole = count === values.length;
      for (let index = 0; index < 4; index++) {
        scratch[index].set(whole ? arrays[index] : arrays[index].subarray(start, start + count));
      }
      run(count * 4, ...numbers);
      for (const index of changed) {
        arrays[index].set(count === chunk ? scratch[index] : scratch[index].subarray(0, count), start);
      }
    }
  };
}
