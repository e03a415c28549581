import type { MelBank } from "./mel.js";
import {
  add,
  addInt,
  advance,
  and,
  type Code,
  countDown,
  four,
  fourInt,
  get,
  load,
  loadLane,
  max,
  mul,
  read32,
  set,
  shiftRight,
  spread,
  store,
  storeLane,
  sub,
  subInt,
  toFloat,
  wasmModule,
  whole,
} from "./wasm-code.js";

/** What the kernel is made for; sizes in samples and bins. */
export type KernelPlan = {
  readonly window: Float64Array;
  readonly shift: number;
  /** Padded frame: 2 · 4^n samples. */
  readonly size: number;
  readonly bank: MelBank;
  readonly melBins: number;
  readonly preemphasis: number;
  readonly energyFloor: number;
};

/** Log-mel of whole frames: writes `frames` × melBins values to `out`. */
export type LogMelKernel = (samples: Float32Array, frames: number, out: Float32Array) => void;

/** The little of the WebAssembly API used here; the language's own typings leave it to the host. */
type Host = {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (limits: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: { run(samples: number, out: number, groups: number): void } };
};

/** Frames that go through memory at once: a multiple of four. */
const framesAtOnce = 256;
/** Bytes of a vector. */
const v = 16;

// Locals: three parameters, whole numbers, vectors.
const [samples, out, groups] = [0, 1, 2];
const [counter, inner, x, y, z] = [3, 4, 5, 6, 7];
const ints = 5;
const vec = (index: number) => 8 + index;
const vectors = 20;

/** Where things lie in memory, in bytes. */
function layout({ window, shift, size, bank, melBins }: KernelPlan) {
  let end = 0;
  const place = (bytes: number) => {
    const at = end;
    end += Math.ceil(bytes / v) * v;
    return at;
  };
  const half = size / 2;
  return {
    window: place(4 * window.length),
    twiddles: place(4 * 6 * half),
    turns: place(4 * 2 * (half / 2 + 1)),
    weights: place(4 * (bank.weights.length + melBins)),
    filters: place(8 * melBins),
    raw: place(v * window.length),
    complex: [0, 1, 2].map(() => place(2 * v * half)),
    power: place(v * (half + 1)),
    samples: place(4 * ((framesAtOnce + 3) * shift + window.length)),
    out: place(4 * (framesAtOnce + 3) * melBins),
    total: () => end,
  };
}
type Layout = ReturnType<typeof layout>;

/** Four frames side by side: lane i holds frame i. Removes their means, pre-emphasises, windows, pairs samples up. */
function windowFrames({ window, shift, size, preemphasis }: KernelPlan, at: Layout): Code {
  const [sum, value, previous, current] = [vec(0), vec(1), vec(2), vec(3)];
  const half = size / 2;
  const row = 4 * shift;
  const gathered = [1, 2, 3].reduce<Code>((lanes, lane) => loadLane(get(x), lanes, lane, lane * row), spread(get(x)));
  const pairUp = (offset: number): Code => [
    ...set(current, sub(load(get(x)), get(sum))),
    ...store(get(y), offset, mul(spread(get(z)), sub(get(current), mul(four(preemphasis), get(previous))))),
    ...set(previous, get(current)),
    ...[...advance(x, v), ...advance(z, 4)],
  ];
  return [
    ...[...set(x, get(samples)), ...set(y, whole(at.raw)), ...set(sum, four(0))],
    ...set(inner, whole(window.length)),
    ...countDown(inner, [
      ...set(value, gathered),
      ...[...store(get(y), 0, get(value)), ...set(sum, add(get(sum), get(value)))],
      ...[...advance(x, 4), ...advance(y, v)],
    ]),
    ...set(sum, mul(get(sum), four(1 / window.length))),
    ...[...set(x, whole(at.raw)), ...set(y, whole(at.complex[0])), ...set(z, whole(at.window))],
    ...set(previous, sub(load(get(x)), get(sum))),
    ...set(inner, whole(window.length / 2)),
    ...countDown(inner, [...pairUp(0), ...pairUp(v * half), ...advance(y, v)]),
  ];
}

/** One Stockham radix-4 stage from one buffer to another; the last one has no twiddle factors. */
function radix4(from: number, to: number, twiddles: number, stride: number, half: number): Code {
  const [quarter, imaginary] = [(v * half) / 4, v * half];
  const count = half / 4 / stride;
  const [ar, ai, br, bi, cr, ci, dr, di] = [0, 1, 2, 3, 4, 5, 6, 7].map(vec);
  const w = (index: number) => vec(8 + index);
  const [sr, si, tr, ti] = [14, 15, 16, 17].map(vec);
  const turned = (order: number, re: Code, im: Code): Code => {
    const at = order * stride * v;
    if (count === 1 || order === 0) return [...store(get(y), at, re), ...store(get(y), at + imaginary, im)];
    const [wr, wi] = [w(2 * order - 2), w(2 * order - 1)];
    return [
      ...[...set(tr, re), ...set(ti, im)],
      ...store(get(y), at, sub(mul(get(wr), get(tr)), mul(get(wi), get(ti)))),
      ...store(get(y), at + imaginary, add(mul(get(wr), get(ti)), mul(get(wi), get(tr)))),
    ];
  };
  const butterfly: Code = [
    ...[ar, br, cr, dr].flatMap((local, index) => set(local, load(get(x), index * quarter))),
    ...[ai, bi, ci, di].flatMap((local, index) => set(local, load(get(x), index * quarter + imaginary))),
    ...[...set(sr, add(get(ar), get(cr))), ...set(si, add(get(ai), get(ci)))],
    ...[...set(ar, sub(get(ar), get(cr))), ...set(ai, sub(get(ai), get(ci)))],
    ...[...set(cr, add(get(br), get(dr))), ...set(ci, add(get(bi), get(di)))],
    ...[...set(br, sub(get(br), get(dr))), ...set(bi, sub(get(bi), get(di)))],
    ...turned(0, add(get(sr), get(cr)), add(get(si), get(ci))),
    ...turned(1, add(get(ar), get(bi)), sub(get(ai), get(br))),
    ...turned(2, sub(get(sr), get(cr)), sub(get(si), get(ci))),
    ...turned(3, sub(get(ar), get(bi)), add(get(ai), get(br))),
    ...[...advance(x, v), ...advance(y, v)],
  ];
  const factors: Code =
    count === 1
      ? []
      : [...[0, 1, 2, 3, 4, 5].flatMap((index) => set(w(index), spread(get(z), 4 * index))), ...advance(z, 24)];
  const row: Code =
    stride === 1
      ? [...factors, ...butterfly, ...advance(y, 3 * v)]
      : [...factors, ...set(inner, whole(stride)), ...countDown(inner, butterfly), ...advance(y, 3 * v * stride)];
  return [
    ...[...set(x, whole(from)), ...set(y, whole(to)), ...set(z, whole(twiddles))],
    ...(count === 1 ? row : [...set(counter, whole(count)), ...countDown(counter, row)]),
  ];
}

/** Splits the transform of sample pairs into that of the samples, as powers of bins 0 … half − 1. */
function powers(from: number, { turns, power }: Layout, half: number): Code {
  const imaginary = v * half;
  const [lr, li, hr, hi, cos, sin, er, ei, tr, ti, odd, even] = Array.from({ length: 12 }, (_, index) => vec(index));
  const square = (a: Code, b: Code): Code => [
    ...[...set(odd, a), ...set(even, b)],
    ...add(mul(get(odd), get(odd)), mul(get(even), get(even))),
  ];
  const split: Code = [
    ...[...set(lr, load(get(x))), ...set(li, load(get(x), imaginary))],
    ...[...set(hr, load(get(y))), ...set(hi, load(get(y), imaginary))],
    ...[...set(cos, spread(get(z))), ...set(sin, spread(get(z), 4))],
    ...[...set(er, add(get(lr), get(hr))), ...set(ei, sub(get(li), get(hi)))],
    ...[...set(li, add(get(li), get(hi))), ...set(lr, sub(get(hr), get(lr)))],
    ...set(tr, sub(mul(get(li), get(cos)), mul(get(lr), get(sin)))),
    ...set(ti, add(mul(get(li), get(sin)), mul(get(lr), get(cos)))),
    // Everything so far is twice its value: a quarter of the power.
    ...store(get(x), power - from, mul(four(0.25), square(add(get(er), get(tr)), add(get(ei), get(ti))))),
    ...store(get(y), power - from, mul(four(0.25), square(sub(get(er), get(tr)), sub(get(ei), get(ti))))),
    ...[...advance(x, v), ...advance(y, -v), ...advance(z, 8)],
  ];
  return [
    ...[...set(x, whole(from)), ...set(lr, add(load(get(x)), load(get(x), imaginary)))],
    ...store(get(x), power - from, mul(get(lr), get(lr))),
    ...[...advance(x, v), ...set(y, whole(from + v * (half - 1))), ...set(z, whole(turns + 8))],
    ...[...set(inner, whole(half / 2)), ...countDown(inner, split)],
  ];
}

/** Coefficients of the logarithm of 1 + f, from f³ on, highest first (Cephes `logf`). */
const series = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
];
/** The bits of √½, where the range of the fraction begins. */
const rootHalf = 0x3f3504f3;

/** What each filter lets through, its logarithm, and each lane to its own row. */
function melLogs({ melBins, energyFloor }: KernelPlan, { filters, weights }: Layout): Code {
  const [energy, bits, f, squared, value] = [0, 1, 2, 3, 4].map(vec);
  const polynomial = series.slice(1).reduce<Code>((sum, term) => add(mul(sum, get(f)), four(term)), four(series[0]));
  return [
    ...[...set(x, whole(filters)), ...set(y, whole(weights)), ...set(counter, whole(melBins))],
    ...countDown(counter, [
      ...[...set(z, read32(get(x))), ...set(inner, read32(get(x), 4)), ...set(energy, four(0))],
      ...countDown(inner, [
        ...set(energy, add(get(energy), mul(spread(get(y)), load(get(z))))),
        ...[...advance(y, 4), ...advance(z, v)],
      ]),
      ...set(bits, subInt(max(get(energy), four(energyFloor)), fourInt(rootHalf))),
      ...set(f, sub(addInt(and(get(bits), fourInt(0x7fffff)), fourInt(rootHalf)), four(1))),
      ...set(squared, mul(get(f), get(f))),
      ...set(value, mul(mul(get(f), get(squared)), polynomial)),
      ...set(value, add(sub(get(value), mul(get(squared), four(0.5))), get(f))),
      ...set(value, add(get(value), mul(toFloat(shiftRight(get(bits), 23)), four(Math.LN2)))),
      ...[0, 1, 2, 3].flatMap((lane) => storeLane(get(out), 4 * melBins * lane, get(value), lane)),
      ...[...advance(x, 8), ...advance(out, 4)],
    ]),
    ...advance(out, 3 * 4 * melBins),
  ];
}

function assemble(plan: KernelPlan, at: Layout): Uint8Array {
  const half = plan.size / 2;
  const stages: Code[] = [];
  let [from, twiddles] = [at.complex[0], at.twiddles];
  for (let stride = 1; stride < half; stride *= 4) {
    const to = at.complex[1 + (stages.length % 2)];
    stages.push(radix4(from, to, twiddles, stride, half));
    [from, twiddles] = [to, twiddles + 24 * (half / 4 / stride)];
  }
  const group: Code = [
    ...[...windowFrames(plan, at), ...stages.flat(), ...powers(from, at, half), ...melLogs(plan, at)],
    ...advance(samples, 4 * 4 * plan.shift),
  ];
  return wasmModule(3, ints, vectors, countDown(groups, group));
}

/** Writes the tables that the code reads. */
function fillTables(memory: ArrayBuffer, plan: KernelPlan, at: Layout): void {
  const floats = new Float32Array(memory);
  const integers = new Int32Array(memory);
  const half = plan.size / 2;
  floats.set(plan.window, at.window / 4);
  let place = at.twiddles / 4;
  for (let left = half; left >= 4; left /= 4) {
    for (let p = 0; p < left / 4; p++) {
      for (const order of [1, 2, 3]) {
        const angle = (-2 * Math.PI * p * order) / left;
        floats[place++] = Math.cos(angle);
        floats[place++] = Math.sin(angle);
      }
    }
  }
  for (let k = 0; k <= half / 2; k++) {
    floats[at.turns / 4 + 2 * k] = Math.cos((2 * Math.PI * k) / plan.size);
    floats[at.turns / 4 + 2 * k + 1] = -Math.sin((2 * Math.PI * k) / plan.size);
  }
  const { first, offset, weights } = plan.bank;
  let weight = at.weights / 4;
  for (let m = 0; m < plan.melBins; m++) {
    const own = weights.subarray(offset[m], offset[m + 1]);
    // A filter narrower than a bin holds none: one weight of 0 lets the loop run as for the others.
    const count = Math.max(1, own.length);
    integers.set([at.power + v * first[m], count], at.filters / 4 + 2 * m);
    floats.set(own, weight);
    weight += count;
  }
}

/**
 * Log-mel in 128-bit WebAssembly, assembled here for one plan: four frames at a time, one per lane, in float32 as
 * torchaudio computes it. Undefined where the host has no WebAssembly or no SIMD, or where the plan does not fit: the
 * padded frame must be 2 · 4^n samples and the window even.
 */
export function wasmLogMel(plan: KernelPlan): LogMelKernel | undefined {
  const host = (globalThis as { WebAssembly?: Host }).WebAssembly;
  const { size, window, shift, melBins } = plan;
  const fits = Number.isInteger(Math.log2(size / 2) / 2) && size >= 32 && window.length % 2 === 0;
  if (host === undefined || !fits) return undefined;
  try {
    const at = layout(plan);
    const memory = new host.Memory({ initial: Math.ceil(at.total() / 65536) });
    fillTables(memory.buffer, plan, at);
    const { run } = new host.Instance(new host.Module(assemble(plan, at)), { host: { memory } }).exports;
    const floats = new Float32Array(memory.buffer);
    return (sound, frames, to) => {
      for (let first = 0; first < frames; first += framesAtOnce) {
        const count = Math.min(framesAtOnce, frames - first);
        floats.set(sound.subarray(first * shift, (first + count - 1) * shift + window.length), at.samples / 4);
        run(at.samples, at.out, Math.ceil(count / 4));
        to.set(floats.subarray(at.out / 4, at.out / 4 + count * melBins), first * melBins);
      }
    };
  } catch {
    return undefined;
  }
}
