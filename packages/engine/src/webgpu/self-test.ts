import { createRng, float32, fusedKernels, type HostTensor, int32, KdcError, sizeOf, treeLeaves } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { eager } from "../run/eager.js";
import type { Execute } from "../run/runtime.js";

type Check = {
  readonly family: string;
  readonly inputs: readonly HostTensor[];
  readonly fn: (given: readonly tf.Tensor[]) => Readonly<Record<string, tf.Tensor>>;
};

const rng = () => createRng("self-test");
/** Draws one tensor after the other. */
const noiseFrom =
  (source = rng()) =>
  (...shape: number[]): HostTensor =>
    float32(
      shape,
      Float32Array.from({ length: sizeOf(shape) }, () => 2 * source.uniform() - 1),
    );
const noise = (...shape: number[]): HostTensor => noiseFrom()(...shape);
const matrices = (M: number, K: number, N: number) => ({
  inputs: [noise(M, K), noise(N, K)],
  fn: ([a, b]: readonly tf.Tensor[]) => ({ product: tf.matMul(a, b, false, true) }),
});

/** softmax(q kᵀ) v and its gradients, by the kernels of a backend that has them, else by tfjs's. */
export function attentionAndGradients({ q, k, v, dy }: Readonly<Record<"q" | "k" | "v" | "dy", tf.Tensor>>) {
  const run = (name: string, given: tf.NamedTensorMap) => tf.engine().runKernel(name, given) as unknown;
  if (tf.getKernel(fusedKernels.attention, tf.getBackend()) === undefined) {
    const attend = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor) => tf.matMul(tf.softmax(tf.matMul(a, b, false, true)), c);
    const { value, grads } = tf.valueAndGrads(attend)([q, k, v], dy);
    return { y: value, dq: grads[0], dk: grads[1], dv: grads[2] };
  }
  const y = run(fusedKernels.attention, { q, k, v }) as tf.Tensor;
  const [dq, dk, dv] = run(fusedKernels.attentionGradient, { q, k, v, y, dy }) as readonly tf.Tensor[];
  return { y, dq, dk, dv };
}

/**
 * Four stacks of N queries, M keys and values, none of which is another's numbers again: queries that are their keys look at
 * themselves alone, and what is left of their scores' gradients is the rounding of operands.
 */
const attention = (
  family: string,
  [N, d]: readonly [N: number, d: number],
  [M, e]: readonly [M: number, e: number],
): Check => {
  const draw = noiseFrom();
  return {
    family,
    inputs: [draw(4, N, d), draw(4, M, d), draw(4, M, e), draw(4, N, e)],
    fn: ([q, k, v, dy]) => attentionAndGradients({ q, k, v, dy }),
  };
};

/**
 * One small function or more for every family of kernels; sizes take each of a family's forms. Made when they are run: the
 * numbers take longer to draw than a whole package to load.
 */
const allChecks = (): readonly Check[] => [
  {
    family: "elementwise",
    inputs: [noise(3, 1, 7), noise(5, 1)],
    fn: ([a, b]) => ({
      chain: tf.where(tf.greater(a, b), tf.exp(tf.tanh(tf.mul(a, 3))), tf.erf(tf.sin(tf.sub(a, b)))),
      whole: tf.cast(tf.floor(tf.mul(a, 9)), "int32"),
      log: tf.log(tf.add(tf.square(a), tf.sqrt(tf.abs(b)))),
    }),
  },
  { family: "product, small", ...matrices(5, 11, 7) },
  { family: "product, tiles of 64", ...matrices(67, 35, 261) },
  { family: "product, tiles of 128, in pieces", ...matrices(129, 515, 131) },
  {
    family: "product, both turned, a stack",
    inputs: [noise(2, 77, 130), noise(2, 77, 133)],
    fn: ([a, b]) => ({ product: tf.matMul(a, b, true, false) }),
  },
  {
    family: "product, neither turned, in pieces",
    inputs: [noise(100, 1040), noise(1040, 98)],
    fn: ([a, b]) => ({ product: tf.matMul(a, b) }),
  },
  // Widths of any kind, then two that matrix units take.
  attention("attention", [67, 36], [70, 33]),
  attention("attention, heads of 32", [67, 32], [70, 32]),
  attention("attention, heads of 64", [70, 64], [67, 64]),
  {
    family: "reduction",
    inputs: [noise(67, 130)],
    fn: ([x]) => ({ rows: tf.sum(x, 1), columns: tf.mean(tf.square(x), 0), all: tf.max(x) }),
  },
  {
    family: "row",
    inputs: [noise(5, 77)],
    fn: ([x]) => ({
      softmax: tf.softmax(tf.mul(x, 4)),
      logarithm: tf.logSoftmax(x),
      largest: tf.argMax(x, 1),
      running: tf.cumsum(x, 0),
    }),
  },
  {
    family: "memory",
    inputs: [noise(3, 5), noise(3, 2)],
    fn: ([a, b]) => ({
      joined: tf.concat([a, b, a], 1),
      padded: tf.pad(a, [
        [1, 0],
        [2, 1],
      ]),
      turned: tf.reverse(tf.transpose(a), 0),
    }),
  },
  {
    family: "gather and scatter",
    inputs: [noise(7, 3), int32([5], Int32Array.of(6, 0, 3, 3, 1))],
    fn: ([x, i]) => ({
      picked: tf.gather(x, i as tf.Tensor1D),
      sums: tf.unsortedSegmentSum(tf.gather(x, i as tf.Tensor1D), i as tf.Tensor1D, 7),
    }),
  },
  { family: "sort", inputs: [noise(3, 17)], fn: ([x]) => ({ ...tf.topk(x, 5) }) },
  {
    family: "window",
    inputs: [noise(2, 7, 6, 3), noise(3, 2, 3, 5)],
    fn: ([x, w]) => ({
      seen: tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, [2, 1], "same"),
      pooled: tf.maxPool(x as tf.Tensor4D, 2, 2, "valid"),
    }),
  },
];

/** How far a family may be from the processor: float32 sums in another order, or operands rounded to half precision. */
const limits = { float32: 5e-5, mixed: 2e-3 } as const;

/** What a self-test found of one family: the largest difference, relative to the largest value. */
export type FamilyCheck = { readonly family: string; readonly difference: number };

/** Runs every check on a device and on tfjs's plain JavaScript backend. */
export async function checkFamilies(execute: Execute): Promise<readonly FamilyCheck[]> {
  const reference = eager("cpu");
  const found: FamilyCheck[] = [];
  for (const { family, inputs, fn } of allChecks()) {
    const [device, processor] = [await execute(fn, inputs), await reference(fn, inputs)];
    const [got, wanted] = [await device.run(inputs), await processor.run(inputs)];
    await device.dispose();
    const others = new Map(treeLeaves<HostTensor>(wanted));
    let difference = 0;
    for (const [path, { data }] of treeLeaves<HostTensor>(got)) {
      const other = others.get(path)!.data;
      const size = Math.max(1e-3, ...Array.from(other, Math.abs));
      for (let i = 0; i < other.length; i++) {
        const apart = Math.abs(data[i] - other[i]) / size;
        difference = Number.isNaN(apart) ? Number.POSITIVE_INFINITY : Math.max(difference, apart);
      }
    }
    found.push({ family, difference });
  }
  return found;
}

/** Families that are further from the processor than they may be. */
export const wrongFamilies = (precision: keyof typeof limits, found: readonly FamilyCheck[]): readonly FamilyCheck[] =>
  found.filter(({ difference }) => !(difference <= limits[precision]));

/** Families by name, and how far each is off. */
export const familiesInWords = (families: readonly FamilyCheck[]): string =>
  families.map(({ family, difference }) => `${family} (off by ${difference.toExponential(1)})`).join(", ");

/** @throws KdcError (reason `self-test`) naming the families an adapter computes wrongly */
export function expectRight(adapter: string, precision: keyof typeof limits, found: readonly FamilyCheck[]): void {
  const wrong = wrongFamilies(precision, found);
  if (wrong.length === 0) return;
  throw new KdcError({
    where: "createWebGpuRuntime",
    what: `${adapter} computes wrongly: ${familiesInWords(wrong)}`,
    remedy: "Update the graphics driver, or run on --device cpu; please report it with kdc-mae doctor's output",
    reason: "self-test",
  });
}
