import {
  add,
  advance,
  type Code,
  countDown,
  four,
  get,
  load,
  mul,
  plus,
  set,
  spread,
  store,
  sub,
  whole,
} from "@kdc-mae/core/wasm";
import { type Pass, rootHalf } from "./fft.js";
import { counter, inner, type Layout, p, q, r, v, vec, x, y, z } from "./wasm-plan.js";

/** `re`, `im` ← the complex number at `place`, turned back by the twiddle at `z + offset`. */
function turned(re: number, im: number, place: number, offset: number): Code {
  const [wr, wi, r, i] = [16, 17, 18, 19].map(vec);
  return [
    ...[...set(wr, spread(get(z), offset)), ...set(wi, spread(get(z), offset + 4))],
    ...[...set(r, load(get(p), place)), ...set(i, load(get(p), place + v))],
    ...set(re, add(mul(get(wr), get(r)), mul(get(wi), get(i)))),
    ...set(im, sub(mul(get(wr), get(i)), mul(get(wi), get(r)))),
  ];
}

/** One pass of `fft.ts` from one buffer to another: the same operations in the same order, four frames at a time. */
export function transformPass(pass: Pass, from: number, to: number, twiddles: number): Code {
  const { radix, span, count } = pass;
  const pairs = Math.floor((span - 1) / 2);
  const inPairs: Code = [
    ...[...set(p, plus(get(x), whole(v))), ...set(q, plus(get(y), whole(v)))],
    ...[...set(r, plus(get(y), whole(v * (span - 3)))), ...set(z, whole(twiddles)), ...set(inner, whole(pairs))],
    ...countDown(inner, [
      ...(radix === 4 ? pairOfFour(span, count) : pairOfTwo(span)),
      ...[...advance(p, v + v), ...advance(q, v + v), ...advance(r, -v - v), ...advance(z, 8 * (radix - 1))],
    ]),
  ];
  const one: Code = [...(radix === 4 ? realsOfFour(span, count) : realsOfTwo(span)), ...(pairs > 0 ? inPairs : [])];
  return [
    ...[...set(x, whole(from)), ...set(y, whole(to)), ...set(counter, whole(count))],
    ...countDown(counter, [...one, ...advance(x, v * span), ...advance(y, v * span * radix)]),
  ];
}

function realsOfFour(span: number, count: number): Code {
  const [a, b, c, d, odd, even] = [0, 1, 2, 3, 4, 5].map(vec);
  const [step, last, second, third] = [v * span * count, v * (span - 1), v * span, 2 * v * span];
  const inputs = (at: number) => [a, b, c, d].flatMap((local, index) => set(local, load(get(x), index * step + at)));
  const ends: Code = [
    ...inputs(0),
    ...[...set(odd, add(get(d), get(b))), ...set(even, add(get(a), get(c)))],
    ...store(get(y), 0, add(get(even), get(odd))),
    ...store(get(y), third + second + last, sub(get(even), get(odd))),
    ...store(get(y), second + last, sub(get(a), get(c))),
    ...store(get(y), third, sub(get(d), get(b))),
  ];
  if (span === 1) return ends;
  return [
    ...[...ends, ...inputs(last)],
    ...set(odd, mul(four(-rootHalf), add(get(b), get(d)))),
    ...set(even, mul(four(rootHalf), sub(get(b), get(d)))),
    ...store(get(y), last, add(get(a), get(even))),
    ...store(get(y), third + last, sub(get(a), get(even))),
    ...store(get(y), third + second, add(get(odd), get(c))),
    ...store(get(y), second, sub(get(odd), get(c))),
  ];
}

function pairOfFour(span: number, count: number): Code {
  const [br, bi, cr, ci, dr, di] = [0, 1, 2, 3, 4, 5].map(vec);
  const [oddRe, oddIm, sideRe, sideIm, evenRe, evenIm, restRe, restIm] = [6, 7, 8, 9, 10, 11, 12, 13].map(vec);
  const [re, im] = [vec(18), vec(19)];
  const [step, second, third] = [v * span * count, v * span, 2 * v * span];
  return [
    ...[...turned(br, bi, step, 0), ...turned(cr, ci, 2 * step, 8), ...turned(dr, di, 3 * step, 16)],
    ...[...set(oddRe, add(get(dr), get(br))), ...set(sideIm, sub(get(dr), get(br)))],
    ...[...set(oddIm, add(get(bi), get(di))), ...set(sideRe, sub(get(bi), get(di)))],
    ...[...set(re, load(get(p))), ...set(im, load(get(p), v))],
    ...[...set(evenRe, add(get(re), get(cr))), ...set(restRe, sub(get(re), get(cr)))],
    ...[...set(evenIm, add(get(im), get(ci))), ...set(restIm, sub(get(im), get(ci)))],
    ...[...store(get(q), 0, add(get(evenRe), get(oddRe))), ...store(get(q), v, add(get(oddIm), get(evenIm)))],
    ...store(get(r), third + second, sub(get(evenRe), get(oddRe))),
    ...store(get(r), third + second + v, sub(get(oddIm), get(evenIm))),
    ...store(get(q), third, add(get(restRe), get(sideRe))),
    ...store(get(q), third + v, add(get(sideIm), get(restIm))),
    ...store(get(r), second, sub(get(restRe), get(sideRe))),
    ...store(get(r), second + v, sub(get(sideIm), get(restIm))),
  ];
}

function realsOfTwo(span: number): Code {
  const [step, last] = [v * span, v * (span - 1)];
  return [
    ...store(get(y), 0, add(load(get(x)), load(get(x), step))),
    ...store(get(y), step + last, sub(load(get(x)), load(get(x), step))),
    ...store(get(y), step, sub(four(0), load(get(x), step + last))),
    ...store(get(y), last, load(get(x), last)),
  ];
}

function pairOfTwo(span: number): Code {
  const [sideRe, sideIm, re, im] = [vec(0), vec(1), vec(18), vec(19)];
  const step = v * span;
  return [
    ...turned(sideRe, sideIm, step, 0),
    ...[...set(re, load(get(p))), ...set(im, load(get(p), v))],
    ...[...store(get(q), 0, add(get(re), get(sideRe))), ...store(get(q), v, add(get(sideIm), get(im)))],
    ...store(get(r), step, sub(get(re), get(sideRe))),
    ...store(get(r), step + v, sub(get(sideIm), get(im))),
  ];
}

/** Powers of bins 0 … size / 2 − 1. */
export function powers(from: number, { power }: Layout, size: number): Code {
  const [re, im] = [vec(0), vec(1)];
  return [
    ...[...set(x, whole(from)), ...set(y, whole(power)), ...set(re, load(get(x)))],
    ...[...store(get(y), 0, mul(get(re), get(re))), ...set(inner, whole(size / 2 - 1))],
    ...countDown(inner, [
      ...[...set(re, load(get(x), v)), ...set(im, load(get(x), v + v))],
      ...store(get(y), v, add(mul(get(re), get(re)), mul(get(im), get(im)))),
      ...[...advance(x, v + v), ...advance(y, v)],
    ]),
  ];
}
