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
  max,
  mul,
  read32,
  set,
  shiftRight,
  spread,
  storeLane,
  sub,
  subInt,
  toFloat,
  whole,
} from "@kdc-mae/core/wasm";
import { counter, inner, type KernelPlan, type Layout, out, v, vec, x, y, z } from "./wasm-plan.js";

/** Coefficients of the logarithm of 1 + f, from f³ on, highest first (Cephes `logf`). */
const series = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
];
/** The bits of √½, where the range of the fraction begins. */
const rootHalfBits = 0x3f3504f3;

/** What each filter lets through, its logarithm, and each lane to its own row. */
export function melLogs({ melBins, energyFloor }: KernelPlan, { filters, weights }: Layout): Code {
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
      ...set(bits, subInt(max(get(energy), four(energyFloor)), fourInt(rootHalfBits))),
      ...set(f, sub(addInt(and(get(bits), fourInt(0x7fffff)), fourInt(rootHalfBits)), four(1))),
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
