/**
 * The arithmetic of one Adam update as a WebAssembly SIMD loop, written here instruction by instruction. JavaScript
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

type Code = readonly number[];

const unsigned = (value: number): Code => (value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)]);
const sized = (bytes: Code): Code => [...unsigned(bytes.length), ...bytes];
const section = (id: number, bytes: Code): Code => [id, ...sized(bytes)];
const text = (value: string): Code => sized([...new TextEncoder().encode(value)]);

const type = { i32: 0x7f, f32: 0x7d, v128: 0x7b, function: 0x60 } as const;
const get = (local: number): Code => [0x20, ...unsigned(local)];
const set = (local: number): Code => [0x21, ...unsigned(local)];
const simd = (operation: number): Code => [0xfd, ...unsigned(operation)];
const [splat, squareRoot, plus, minus, times, over] = [0x13, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7].map(simd);

// Locals: the end in bytes, the coefficients as numbers, the position in bytes, the coefficients as vectors, the values.
const end = 0;
const position = 1 + names.length;
const vector = (name: (typeof names)[number]): Code => get(position + 1 + names.indexOf(name));
const [value, gradient, first, second] = [0, 1, 2, 3].map((index) => position + 1 + names.length + index);
const aligned = 4;
const load = (array: number): Code => [...get(position), ...simd(0), aligned, ...unsigned(array * arrayBytes)];
const store = (array: number, what: Code): Code => [
  ...get(position),
  ...what,
  ...simd(11),
  aligned,
  ...unsigned(array * arrayBytes),
];
const product = (a: Code, b: Code): Code => [...a, ...b, ...times];
const sum = (a: Code, b: Code): Code => [...a, ...b, ...plus];

const step: Code = [
  ...[...load(0), ...set(value)],
  ...[...sum(product(load(1), vector("scale")), product(get(value), vector("coupled"))), ...set(gradient)],
  ...[...sum(product(load(2), vector("beta1")), product(get(gradient), vector("rest1"))), ...set(first)],
  ...sum(product(load(3), vector("beta2")), product(product(get(gradient), get(gradient)), vector("rest2"))),
  ...set(second),
  ...store(2, get(first)),
  ...store(3, get(second)),
  ...store(0, [
    ...product(get(value), vector("shrink")),
    ...product(get(first), vector("rate")),
    ...sum(product([...get(second), ...squareRoot], vector("rootCorrection")), vector("epsilon")),
    ...over,
    ...minus,
  ]),
];

const body: Code = [
  // Vector locals after the parameters: one position, then coefficients and values.
  ...[2, 1, type.i32, names.length + 4, type.v128],
  ...names.flatMap((_, index) => [...get(1 + index), ...splat, ...set(position + 1 + index)]),
  // do { step; position += 16 } while (position < end)
  ...[0x03, 0x40, ...step, ...get(position), 0x41, 16, 0x6a, 0x22, position],
  ...[...get(end), 0x49, 0x0d, 0, 0x0b, 0x0b],
];

const moduleBytes = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [1, type.function, ...sized([type.i32, ...names.map(() => type.f32)]), 0]),
  ...section(3, [1, 0]),
  ...section(5, [1, 0, ...unsigned((4 * arrayBytes) / 65536)]),
  ...section(7, [2, ...text("memory"), 2, 0, ...text("update"), 0, 0]),
  ...section(10, [1, ...sized(body)]),
]);

/** As much of WebAssembly as is used here: TypeScript has its types among the browser's only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
  ) => {
    readonly exports: {
      readonly memory: { readonly buffer: ArrayBuffer };
      readonly update: (end: number, ...coefficients: number[]) => void;
    };
  };
};

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
  const { memory, update } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes)).exports;
  const scratch = [0, 1, 2, 3].map((array) => new Float32Array(memory.buffer, array * arrayBytes, chunk));
  return (values, gradients, firsts, seconds, coefficients) => {
    const arrays = [values, gradients, firsts, seconds];
    const numbers = names.map((name) => coefficients[name]);
    for (let start = 0; start < values.length; start += chunk) {
      const count = Math.min(chunk, values.length - start);
      const whole = count === values.length;
      for (let index = 0; index < 4; index++) {
        scratch[index].set(whole ? arrays[index] : arrays[index].subarray(start, start + count));
      }
      update(count * 4, ...numbers);
      for (const index of changed) {
        arrays[index].set(count === chunk ? scratch[index] : scratch[index].subarray(0, count), start);
      }
    }
  };
}
