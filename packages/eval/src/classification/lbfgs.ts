/** A function of many variables: writes its gradient at `point` into `gradient` and returns its value. */
export type SmoothFunction = (point: Float64Array, gradient: Float64Array) => number;

export type Minimum = {
  readonly point: Float64Array;
  readonly value: number;
  readonly iterations: number;
  /** False where the iterations ran out first. */
  readonly converged: boolean;
};

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

type Pair = { readonly step: Float64Array; readonly change: Float64Array; readonly product: number };

/** The two-loop recursion (Nocedal & Wright, algorithm 7.4): an approximate inverse Hessian times the gradient. */
function direction(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const result = gradient.map((value) => -value);
  const weights = new Array<number>(pairs.length);
  for (let p = pairs.length - 1; p >= 0; p--) {
    weights[p] = dot(pairs[p].step, result) / pairs[p].product;
    for (let i = 0; i < result.length; i++) result[i] -= weights[p] * pairs[p].change[i];
  }
  const last = pairs.at(-1);
  const scale =
    last === undefined
      ? 1 / Math.max(1, Math.sqrt(dot(gradient, gradient)))
      : last.product / dot(last.change, last.change);
  for (let i = 0; i < result.length; i++) result[i] *= scale;
  for (let p = 0; p < pairs.length; p++) {
    const correction = weights[p] - dot(pairs[p].change, result) / pairs[p].product;
    for (let i = 0; i < result.length; i++) result[i] += correction * pairs[p].step[i];
  }
  return result;
}

/**
 * Limited-memory BFGS (Liu & Nocedal 1989) with ten pairs and a halving line search, for smooth convex functions.
 * Stops when a step lowers the value by less than `tolerance` of it.
 */
export function minimize(
  objective: SmoothFunction,
  start: Float64Array,
  { iterations = 200, tolerance = 1e-6 }: { readonly iterations?: number; readonly tolerance?: number } = {},
): Minimum {
  let point = Float64Array.from(start);
  let gradient = new Float64Array(point.length);
  let value = objective(point, gradient);
  let pairs: readonly Pair[] = [];
  for (let iteration = 0; iteration < iterations; iteration++) {
    const along = direction(gradient, pairs);
    const slope = dot(along, gradient);
    if (!(slope < 0)) return { point, value, iterations: iteration, converged: true };
    let size = 1;
    let next = point;
    let nextGradient = gradient;
    let nextValue = Infinity;
    for (let halving = 0; halving < 20; halving++, size /= 2) {
      next = point.map((at, i) => at + size * along[i]);
      nextGradient = new Float64Array(point.length);
      nextValue = objective(next, nextGradient);
      if (nextValue <= value + 1e-4 * size * slope) break;
    }
    if (!(nextValue < value)) return { point, value, iterations: iteration, converged: true };
    const step = next.map((at, i) => at - point[i]);
    const change = nextGradient.map((at, i) => at - gradient[i]);
    const product = dot(step, change);
    if (product > 1e-10 * dot(change, change)) pairs = [...pairs.slice(-9), { step, change, product }];
    const fell = value - nextValue;
    [point, gradient, value] = [next, nextGradient, nextValue];
    if (fell <= tolerance * Math.abs(value)) return { point, value, iterations: iteration + 1, converged: true };
  }
  return { point, value, iterations, converged: false };
}
