import type { Kernel } from "./kernel.js";

/** The little of the WebAssembly API used here; the language's own typings leave it to the host's. */
type Host = {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (limits: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (module: object, imports: object) => { readonly exports: { readonly tile: Tile } };
};
type Tile = (left: number, right: number, out: number, leftPanels: number, rightPanels: number, depth: number) => void;

// Instructions, by their names in the WebAssembly specification.
const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const constant = (value: number) => [0x41, value];
const add = [0x6a];
const subtract = [0x6b];
const shiftLeft = [0x74];
const loop = [0x03, 0x40];
const end = [0x0b];
const branchIf = [0x0d, 0];
const load = (offset: number) => [0xfd, 0x00, 4, offset];
const loadSplat = (offset: number) => [0xfd, 0x09, 2, offset];
const store = (offset: number) => [0xfd, 0x0b, 4, offset];
const zeros = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];
const addLanes = [0xfd, 0xe4, 0x01];
const multiplyLanes = [0xfd, 0xe6, 0x01];

// Locals: six parameters, seven counters and pointers (i32), then eleven vectors.
const [left, right, out, leftPanels, rightPanels, depth] = [0, 1, 2, 3, 4, 5];
const [stride, leftAt, outRow, x, y, panels, steps] = [6, 7, 8, 9, 10, 11, 12];
const sum = (index: number) => 13 + index;
const [nearRight, farRight, broadcast] = [21, 22, 23];

const advance = (local: number, bytes: number) => [...get(local), ...constant(bytes), ...add, ...set(local)];
const again = (counter: number) => [...get(counter), ...constant(1), ...subtract, 0x22, counter, ...branchIf];
const copy = (from: number, to: number) => [...get(from), ...set(to)];
const accumulate = (index: number, vector: number) => [
  ...get(sum(index)),
  ...get(broadcast),
  ...get(vector),
  ...multiplyLanes,
  ...addLanes,
  ...set(sum(index)),
];
const four = [0, 1, 2, 3];
const eight = [...four, 4, 5, 6, 7];

/**
 * For each right panel, for each left panel, for each of the D steps: one left number is spread over four lanes and
 * multiplied with the eight right numbers. Eight sums of four lanes stay in registers until the panel is done.
 */
const body = [
  ...[...get(rightPanels), ...constant(5), ...shiftLeft, ...set(stride)],
  ...loop,
  ...[...copy(left, leftAt), ...copy(out, outRow), ...copy(leftPanels, panels)],
  ...loop,
  ...eight.flatMap((index) => [...zeros, ...set(sum(index))]),
  ...[...copy(leftAt, x), ...copy(right, y), ...copy(depth, steps)],
  ...loop,
  ...[...get(y), ...load(0), ...set(nearRight), ...get(y), ...load(16), ...set(farRight)],
  ...four.flatMap((row) => [
    ...[...get(x), ...loadSplat(4 * row), ...set(broadcast)],
    ...[...accumulate(2 * row, nearRight), ...accumulate(2 * row + 1, farRight)],
  ]),
  ...[...advance(x, 16), ...advance(y, 32), ...again(steps)],
  ...end,
  ...four.flatMap((row) => [
    ...[...get(outRow), ...get(sum(2 * row)), ...store(0)],
    ...[...get(outRow), ...get(sum(2 * row + 1)), ...store(16)],
    ...[...get(outRow), ...get(stride), ...add, ...set(outRow)],
  ]),
  ...[...copy(x, leftAt), ...again(panels)],
  ...end,
  ...[...copy(y, right), ...advance(out, 32), ...again(rightPanels)],
  ...end,
];

const unsigned = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...unsigned(Math.floor(value / 128))];
const section = (id: number, bytes: readonly number[]) => [id, ...unsigned(bytes.length), ...bytes];
const name = (text: string) => [text.length, ...[...text].map((letter) => letter.charCodeAt(0))];

const int32 = 0x7f;
const vector = 0x7b;
const code = [2, 7, int32, 11, vector, ...body, ...end];
const program = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [1, 0x60, 6, ...new Array<number>(6).fill(int32), 0]),
  ...section(2, [1, ...name("host"), ...name("memory"), 2, 0, 1]),
  ...section(3, [1, 0]),
  ...section(7, [1, ...name("tile"), 0, 0]),
  ...section(10, [1, ...unsigned(code.length), ...code]),
]);
const pageBytes = 65536;

/**
 * {@link Kernel} as 128-bit WebAssembly, assembled here from the instructions above: about ten times the array kernel.
 * Undefined where the host has no WebAssembly, no SIMD, forbids it, or has not the memory.
 */
export function wasmKernel(floats: number): Kernel | undefined {
  const host = (globalThis as { WebAssembly?: Host }).WebAssembly;
  if (host === undefined) return undefined;
  try {
    const memory = new host.Memory({ initial: Math.max(1, Math.ceil((4 * floats) / pageBytes)) });
    const { tile } = new host.Instance(new host.Module(program), { host: { memory } }).exports;
    return {
      name: "wasm-simd",
      space: new Float32Array(memory.buffer),
      tile: (a, b, to, leftPanels, rightPanels, depth) => tile(4 * a, 4 * b, 4 * to, leftPanels, rightPanels, depth),
    };
  } catch {
    return undefined;
  }
}
