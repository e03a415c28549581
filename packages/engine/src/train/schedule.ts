/** Learning rate at an epoch or step, counted from 0. */
export type Schedule = (at: number) => number;

/** The same rate always. */
export function constantRate(rate: number): Schedule {
  return () => rate;
}

/** `rate`, multiplied by `factor` once for every milestone reached (`MultiStepLR` in PyTorch). */
export function multiStep(options: {
  readonly rate: number;
  readonly factor: number;
  readonly milestones: readonly number[];
}): Schedule {
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
  return (at) => (at < start ? rate : rate * factor ** (Math.floor((at - start) / every) + 1));
}

/**
 * Up in a straight line to `rate` over `warmup`, then down half a cosine to `floor` (0 unless given) at `total`.
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
  return (at) => {
    if (at < warmup) return (rate * (at + 1)) / warmup;
    const done = Math.min(1, (at - warmup) / Math.max(1, total - warmup));
    return floor + ((rate - floor) * (1 + Math.cos(Math.PI * done))) / 2;
  };
}
