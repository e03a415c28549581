/** A piece of WebAssembly: instructions by their numbers in the specification. */
export type Code = readonly number[];

export const unsigned = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...unsigned(Math.floor(value / 128))];
const signed = (value: number): number[] => {
  const last = value >= -64 && value < 64;
  return last ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)];
};

// Whole numbers of 32 bits.
export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];
export const whole = (value: number): Code => [0x41, ...signed(value)];
export const plus = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
export const read32 = (at: Code, offset = 0): Code => [...at, 0x28, 2, ...unsigned(offset)];
/** local ← local + bytes. */
export const advance = (local: number, bytes: number): Code => set(local, plus(get(local), whole(bytes)));
/** Runs `body` as many times (at least once) as the counter says, which ends at 0. */
export const countDown = (counter: number, body: Code): Code => [
  ...[0x03, 0x40, ...body],
  ...[...get(counter), ...whole(1), 0x6b, 0x22, ...unsigned(counter), 0x0d, 0, 0x0b],
];

// One float32 number.
export const float = (value: number): Code => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)];
export const readFloat = (at: Code, offset = 0): Code => [...at, 0x2a, 2, ...unsigned(offset)];
export const writeFloat = (at: Code, offset: number, value: Code): Code => [
  ...at,
  ...value,
  0x38,
  2,
  ...unsigned(offset),
];
export const addFloat = (a: Code, b: Code): Code => [...a, ...b, 0x92];
export const divideFloat = (a: Code, b: Code): Code => [...a, ...b, 0x95];

// Four float32 numbers side by side.
const simd = (...operation: number[]) => [0xfd, ...operation];
const pair =
  (operation: Code) =>
  (a: Code, b: Code): Code => [...a, ...b, ...operation];
export const add = pair(simd(0xe4, 0x01));
export const sub = pair(simd(0xe5, 0x01));
export const mul = pair(simd(0xe6, 0x01));
export const max = pair(simd(0xe9, 0x01));
export const and = pair(simd(0x4e));
export const addInt = pair(simd(0xae, 0x01));
export const subInt = pair(simd(0xb1, 0x01));
export const shiftRight = (a: Code, bits: number): Code => [...a, ...whole(bits), ...simd(0xac, 0x01)];
export const toFloat = (a: Code): Code => [...a, ...simd(0xfa, 0x01)];
const lanes = (bytes: Uint8Array): Code => simd(0x0c, ...bytes, ...bytes, ...bytes, ...bytes);
export const four = (value: number): Code => lanes(new Uint8Array(Float32Array.of(value).buffer));
export const fourInt = (value: number): Code => lanes(new Uint8Array(Int32Array.of(value).buffer));
export const load = (at: Code, offset = 0): Code => [...at, ...simd(0x00, 4, ...unsigned(offset))];
/** One number four times. */
export const spread = (at: Code, offset = 0): Code => [...at, ...simd(0x09, 2, ...unsigned(offset))];
/** `value` with lane `lane` read from memory. */
export const loadLane = (at: Code, value: Code, lane: number, offset = 0): Code => [
  ...[...at, ...value],
  ...simd(0x56, 2, ...unsigned(offset), lane),
];
export const store = (at: Code, offset: number, value: Code): Code => [
  ...[...at, ...value],
  ...simd(0x0b, 4, ...unsigned(offset)),
];
export const storeLane = (at: Code, offset: number, value: Code, lane: number): Code => [
  ...[...at, ...value],
  ...simd(0x5a, 2, ...unsigned(offset), lane),
];

const section = (id: number, bytes: Code): Code => [id, ...unsigned(bytes.length), ...bytes];
const name = (text: string): Code => [text.length, ...[...text].map((letter) => letter.charCodeAt(0))];
const [int32, vector] = [0x7f, 0x7b];

/**
 * A module with one function `run` over the memory `host.memory`. Locals are the parameters, then `ints` whole
 * numbers, then `vectors` vectors.
 */
export function wasmModule(parameters: number, ints: number, vectors: number, body: Code): Uint8Array {
  const code = [2, ...unsigned(ints), int32, ...unsigned(vectors), vector, ...body, 0x0b];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, parameters, ...new Array<number>(parameters).fill(int32), 0]),
    ...section(2, [1, ...name("host"), ...name("memory"), 2, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name("run"), 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}
