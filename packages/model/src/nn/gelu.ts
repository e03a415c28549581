import { fusedKernels } from "@kdc-mae/core";
import {
  add,
  customGrad,
  engine,
  erf,
  exp,
  type GradSaveFunc,
  getBackend,
  getKernel,
  mul,
  square,
  type Tensor,
} from "@tensorflow/tfjs-core";

const has = (kernel: string): boolean => getKernel(kernel, getBackend()) !== undefined;

/** Standard normal cumulative distribution. */
const cumulative = (x: Tensor): Tensor => mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);

/** Standard normal density. */
const density = (x: Tensor): Tensor => mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));

/** The exact GELU `x Φ(x)` with the error function (Hendrycks & Gimpel 2016), not its tanh approximation. */
export function gelu<T extends Tensor>(x: T): T {
  const run = customGrad((...inputs) => {
    const [input, save] = inputs as unknown as [Tensor, GradSaveFunc];
    save([input]);
    const value = has(fusedKernels.gelu)
      ? (engine().runKernel(fusedKernels.gelu, { x: input }) as Tensor)
      : mul(input, cumulative(input));
    const gradFunc = (dy: Tensor, [x]: Tensor[]): Tensor =>
      has(fusedKernels.geluGradient)
        ? (engine().runKernel(fusedKernels.geluGradient, { x, dy }) as Tensor)
        : mul(dy, add(cumulative(x), mul(x, density(x))));
    return { value, gradFunc };
  });
  return run(x) as T;
}
