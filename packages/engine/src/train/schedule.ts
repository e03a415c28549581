import { KdcError } from "@kdc-mae/core";

/** Learning rate at an epoch or step, counted from 0. */
export type Schedule = (at: number) => number;

const refuse = (where: string, what: string, remedy: string): KdcError =>
  new KdcError({ where, what, remedy, reason: "option" });

/** Of anything else a schedule would make rates that are no numbers, and those weights that are none. */
function expectNumbers(where: string, given: Readonly<Record<string, unknown>>): void {
  const odd = Object.entries(given).find(([, value]) => !Number.isFinite(value));
  if (odd === undefined) return;
  throw refuse(where, `${odd[0]} is ${String(odd[1])}`, `Give ${Object.keys(given).join(", ")} as numbers`);
}

/** The same rate always. */
export function constantRate(rate: number): Schedule {
  expectNumbers("constantRate", { rate });
  return () => rate;
}

/** `rate`, multiplied by `factor` once for every milestone reached (`MultiStepLR` in PyTorch). */
export function multiStep(options: {
  readonly rate: number;
  readonly factor: number;
  readonly milestones: readonly number[];
}): Schedule {
  expectNumbers("multiStep", { rate: options.rate, factor: options.factor });
  return (at) => options.rate * options.factor ** options.milestones.filter((milestone) => at >= milestone).length;
}

/** `rate`, multiplied by `factor` at `start` and at every `every` after it. */
export function stepDecay(options: {
  readonly rate: number;
  readonly factor: number;
  readonly start: number;
  readonly every: number;
}): Schedule {
  const { rate, factor, start, every } = options;
  expectNumbers("stepDecay", { rate, factor, start, every });
  return (at) => (at < start ? rate : rate * factor ** (Math.floor((at - start) / every) + 1));
}

/**
 * Up in a straight line to `rate` over `warmup`, then down half a cosine to `floor` (0 unless given) at `total`, all counted in
 * steps (or all in whole epochs): `rate · (at + 1) / warmup` at first, then `floor + (rate − floor) · (1 + cos(π · (at − warmup) /
 * (total − warmup))) / 2`, and `floor` from `total` on.
 *
 * @throws KdcError (reason `option`) for what is no number, and a `warmup` that is not whole
 *
 * @example
 * ```ts
 * import { warmupCosine } from "@kdc-mae/engine";
 *
 * const rate = warmupCosine({ rate: 1e-3, warmup: 100, total: 1000 });
 * rate(0); // the first step's
 * ```
 */
export function warmupCosine(options: {
  readonly rate: number;
  readonly warmup: number;
  readonly total: number;
  readonly floor?: number;
}): Schedule {
  const { rate, warmup, total, floor = 0 } = options;
  expectNumbers("warmupCosine", { rate, warmup, total, floor });
  if (!Number.isInteger(warmup)) {
    throw refuse(
      "warmupCosine",
      `warmup is ${warmup}`,
      "Give a whole number, and total and what it is asked for in the same unit: steps",
    );
  }
  return (at) => {
    if (at < warmup) return (rate * (at + 1)) / warmup;
    const done = Math.min(1, (at - warmup) / Math.max(1, total - warmup));
    return floor + ((rate - floor) * (1 + Math.cos(Math.PI * done))) / 2;
  };
}
