/**
 * An assembler for small WebAssembly loops of 128-bit SIMD: what log-mel, the Adam update and the products of retrieval
 * are written in. Pieces of code are lists of bytes, joined by spreading; see docs/decisions on why it is not generated.
 */

import { KdcError } from "./error.js";

/** A piece of WebAssembly: instructions by their numbers in the specification. */
export type Code = readonly number[];

const unsigned = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...unsigned(Math.floor(value / 128))];
const signed = (value: number): number[] => {
  const last = value >= -64 && value < 64;
  return last ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)];
};

// Whole numbers of 32 bits.
/** The value of a local. */
export const get = (local: number): Code => [0x20, ...unsigned(local)];
/** local ← value. */
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];
/** A whole number of 32 bits. */
export const whole = (value: number): Code => [0x41, ...signed(value)];
/** a + b, whole numbers of 32 bits. */
export const plus = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
/** A whole number shifted left by `bits`. */
export const shiftLeft = (a: Code, bits: number): Code => [...a, ...whole(bits), 0x74];
/** A whole number of 32 bits from memory, at a place in bytes. */
export const read32 = (at: Code, offset = 0): Code => [...at, 0x28, 2, ...unsigned(offset)];
/** local ← local + bytes. */
export const advance = (local: number, bytes: number): Code => set(local, plus(get(local), whole(bytes)));
/** Runs `body` as many times (at least once) as the counter says, which ends at 0. */
export const countDown = (counter: number, body: Code): Code => [
  ...[0x03, 0x40, ...body],
  ...[...get(counter), ...whole(1), 0x6b, 0x22, ...unsigned(counter), 0x0d, 0, 0x0b],
];

/** Runs `body` with `local` going up by `bytes` each time (at least once), while it is below the local `end`. */
export const countUp = (local: number, bytes: number, end: number, body: Code): Code => [
  ...[0x03, 0x40, ...body],
  ...[...get(local), ...whole(bytes), 0x6a, 0x22, ...unsigned(local), ...get(end), 0x49, 0x0d, 0, 0x0b],
];

// One float32 number.
/** A float32 number. */
export const float = (value: number): Code => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)];
/** A float32 number from memory, at a place in bytes. */
export const readFloat = (at: Code, offset = 0): Code => [...at, 0x2a, 2, ...unsigned(offset)];
/** Puts a float32 number into memory. */
export const writeFloat = (at: Code, offset: number, value: Code): Code => [
  ...at,
  ...value,
  0x38,
  2,
  ...unsigned(offset),
];
/** a + b, float32. */
export const addFloat = (a: Code, b: Code): Code => [...a, ...b, 0x92];
/** a / b, float32. */
export const divideFloat = (a: Code, b: Code): Code => [...a, ...b, 0x95];

/** The larger of two; not a number where either is none. */
export const maxFloat = (a: Code, b: Code): Code => [...a, ...b, 0x97];
/** The size of a float32 number, without its sign. */
export const absFloat = (a: Code): Code => [...a, 0x8b];

// One float64 number, and one whole number of 64 bits.
/** A float64 number from memory, at a place in bytes. */
export const readDouble = (at: Code, offset = 0): Code => [...at, 0x2b, 3, ...unsigned(offset)];
/** a · b, float64. */
export const timesDouble = (a: Code, b: Code): Code => [...a, ...b, 0xa2];
/** A float32 number as float64, and back. */
export const promote = (a: Code): Code => [...a, 0xbb];
/** A float64 number rounded to float32. */
export const demote = (a: Code): Code => [...a, 0xb6];
/** A whole number of 64 bits from memory, at a place in bytes. */
export const readLong = (at: Code, offset = 0): Code => [...at, 0x29, 3, ...unsigned(offset)];
/** Puts a whole number of 64 bits into memory. */
export const writeLong = (at: Code, offset: number, value: Code): Code => [
  ...at,
  ...value,
  0x37,
  3,
  ...unsigned(offset),
];
/** a + b, whole numbers of 64 bits. */
export const plusLong = (a: Code, b: Code): Code => [...a, ...b, 0x7c];
/** A float64 number rounded to a whole number (ties to even), the largest there is where it is larger, and back. */
export const toLong = (a: Code): Code => [...a, 0x9e, 0xfc, 0x06];
/** A whole number of 64 bits as float64. */
export const fromLong = (a: Code): Code => [...a, 0xb9];

// Four float32 numbers side by side.
const simd = (...operation: number[]) => [0xfd, ...operation];
const pair =
  (operation: Code) =>
  (a: Code, b: Code): Code => [...a, ...b, ...operation];
/** a + b, lane by lane. */
export const add = pair(simd(0xe4, 0x01));
/** a − b, lane by lane. */
export const sub = pair(simd(0xe5, 0x01));
/** a · b, lane by lane. */
export const mul = pair(simd(0xe6, 0x01));
/** a / b, lane by lane. */
export const div = pair(simd(0xe7, 0x01));
/** √a, lane by lane. */
export const squareRoot = (a: Code): Code => [...a, ...simd(0xe3, 0x01)];
/** A number that is no place in memory, four times. */
export const splat = (a: Code): Code => [...a, ...simd(0x13)];
/** The larger of two, lane by lane. */
export const max = pair(simd(0xe9, 0x01));
/** All bits of a lane, −1 as a whole number, where it holds; else none. */
export const equalTo = pair(simd(0x41));
/** All bits of a lane where a > b as float32; else none. */
export const greaterThan = pair(simd(0x44));
/** The bits that both have. */
export const and = pair(simd(0x4e));
/** a + b, lanes as whole numbers of 32 bits. */
export const addInt = pair(simd(0xae, 0x01));
/** a − b, lanes as whole numbers of 32 bits. */
export const subInt = pair(simd(0xb1, 0x01));
/** Lanes as whole numbers, shifted right by `bits`; signs stay. */
export const shiftRight = (a: Code, bits: number): Code => [...a, ...whole(bits), ...simd(0xac, 0x01)];
/** Lanes that are whole numbers, as float32. */
export const toFloat = (a: Code): Code => [...a, ...simd(0xfa, 0x01)];
const lanes = (bytes: Uint8Array): Code => simd(0x0c, ...bytes, ...bytes, ...bytes, ...bytes);
/** One float32 number in all four lanes. */
export const four = (value: number): Code => lanes(new Uint8Array(Float32Array.of(value).buffer));
/** Zero in all four lanes. */
export const fourZeros: Code = lanes(new Uint8Array(4));
/** One whole number in all four lanes. */
export const fourInt = (value: number): Code => lanes(new Uint8Array(Int32Array.of(value).buffer));
/** Four numbers from memory, at a place in bytes. */
export const load = (at: Code, offset = 0): Code => [...at, ...simd(0x00, 4, ...unsigned(offset))];
/** One number four times. */
export const spread = (at: Code, offset = 0): Code => [...at, ...simd(0x09, 2, ...unsigned(offset))];
/** `value` with lane `lane` read from memory. */
export const loadLane = (at: Code, value: Code, lane: number, offset = 0): Code => [
  ...[...at, ...value],
  ...simd(0x56, 2, ...unsigned(offset), lane),
];
/** Puts four numbers into memory. */
export const store = (at: Code, offset: number, value: Code): Code => [
  ...[...at, ...value],
  ...simd(0x0b, 4, ...unsigned(offset)),
];
/** Puts one lane into memory. */
export const storeLane = (at: Code, offset: number, value: Code, lane: number): Code => [
  ...[...at, ...value],
  ...simd(0x5a, 2, ...unsigned(offset), lane),
];

// Two float64 numbers side by side.
/** One float64 number from memory, twice. */
export const spreadDouble = (at: Code, offset = 0): Code => [...at, ...simd(0x0a, 3, ...unsigned(offset))];
/** The first two of four float32 numbers, as float64. */
export const promoteFirst = (a: Code): Code => [...a, ...simd(0x5f)];
/** The last two of four float32 numbers, as float64. */
export const promoteLast = (a: Code): Code =>
  promoteFirst([...a, ...a, ...simd(0x0d, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)]);
/** Two float64 numbers and two more, each rounded to float32. */
export const demoteBoth = (first: Code, last: Code): Code => [
  ...[...first, ...simd(0x5e), ...last, ...simd(0x5e)],
  ...simd(0x0d, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
];
/** a + b, both float64 numbers. */
export const addDoubles = pair(simd(0xf0, 0x01));
/** a · b, both float64 numbers. */
export const mulDoubles = pair(simd(0xf2, 0x01));

const section = (id: number, bytes: Code): Code => [id, ...unsigned(bytes.length), ...bytes];
const name = (text: string): Code => [text.length, ...[...text].map((letter) => letter.charCodeAt(0))];
const [int32, float32, vector] = [0x7f, 0x7d, 0x7b];

/** Locals of a function: its parameters, whole numbers and then float32 numbers, and after them its own. */
export type Locals = {
  readonly parameters: number;
  readonly floatParameters?: number;
  readonly ints: number;
  readonly vectors: number;
};

/** A module with one function `run` over the memory `host.memory`. Locals are numbered in the order of {@link Locals}. */
export function wasmModule({ parameters, floatParameters = 0, ints, vectors }: Locals, body: Code): Uint8Array {
  const code = [2, ...unsigned(ints), int32, ...unsigned(vectors), vector, ...body, 0x0b];
  const takes = [...new Array<number>(parameters).fill(int32), ...new Array<number>(floatParameters).fill(float32)];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, ...unsigned(takes.length), ...takes, 0]),
    ...section(2, [1, ...name("host"), ...name("memory"), 2, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name("run"), 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

/** The little of the WebAssembly API used here; the language's own typings leave it to the host's. */
type Host = {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (limits: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: { readonly run: (...numbers: number[]) => void } };
};
const pageBytes = 65536;

/** A module that is ready: its memory, and its function. */
export type RunningWasm = {
  readonly memory: ArrayBuffer;
  /** Calls the module's one function. */
  readonly run: (...numbers: number[]) => void;
};

/**
 * {@link startWasm} for work that cannot be done without.
 *
 * @param where what needs it, for the error
 * @param remedy what else may be done, beside another JavaScript engine
 * @throws KdcError (reason `runtime`) where the host cannot
 */
export function expectWasm(where: string, module: Uint8Array, bytes: number, remedy = ""): RunningWasm {
  const started = startWasm(module, bytes);
  if (started !== undefined) return started;
  throw new KdcError({
    where,
    what: "this JavaScript engine has no 128-bit WebAssembly",
    remedy: `Run on Node, or in a browser of 2021 or later with WebAssembly allowed${remedy}`,
    reason: "runtime",
  });
}

/**
 * Starts a module of {@link wasmModule} with memory of its own, at least `bytes` of it. Undefined where the host has no
 * WebAssembly, no SIMD, forbids it, or has not the memory.
 */
export function startWasm(module: Uint8Array, bytes: number): RunningWasm | undefined {
  const host = (globalThis as { WebAssembly?: Host }).WebAssembly;
  if (host === undefined) return undefined;
  try {
    const memory = new host.Memory({ initial: Math.max(1, Math.ceil(bytes / pageBytes)) });
    const { run } = new host.Instance(new host.Module(module), { host: { memory } }).exports;
    return { memory: memory.buffer, run };
  } catch {
    return undefined;
  }
}
