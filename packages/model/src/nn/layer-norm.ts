import { fusedKernels } from "@kdc-mae/core";
import {
  add,
  customGrad,
  engine,
  type GradSaveFunc,
  getBackend,
  getKernel,
  mean,
  mul,
  rsqrt,
  square,
  sub,
  sum,
  type Tensor,
} from "@tensorflow/tfjs-core";

/** gain `[D]`, bias `[D]`. */
export type Norm<Leaf> = { readonly gain: Leaf; readonly bias: Leaf };

type Normalized = readonly [y: Tensor, mean: Tensor, inverseDeviation: Tensor];

function normalize(x: Tensor, gain: Tensor, bias: Tensor, epsilon: number): Normalized {
  if (getKernel(fusedKernels.layerNorm, getBackend()) !== undefined) {
    return engine().runKernel(fusedKernels.layerNorm, { x, gain, bias }, { epsilon }) as unknown as Normalized;
  }
  const center = mean(x, -1, true);
  const centered = sub(x, center);
  const inverse = rsqrt(add(mean(square(centered), -1, true), epsilon));
  return [add(mul(mul(centered, inverse), gain), bias), center, inverse];
}

type Gradients = readonly [dx: Tensor, dgain: Tensor, dbias: Tensor];

function gradients([x, gain, center, inverse]: readonly Tensor[], dy: Tensor): Gradients {
  if (getKernel(fusedKernels.layerNormGradient, getBackend()) !== undefined) {
    const inputs = { x, gain, mean: center, inverseDeviation: inverse, dy };
    return engine().runKernel(fusedKernels.layerNormGradient, inputs) as unknown as Gradients;
  }
  const rows = x.shape.slice(0, -1).map((_, axis) => axis);
  const unit = mul(sub(x, center), inverse);
  const scaled = mul(dy, gain);
  const alongUnit = mul(unit, mean(mul(scaled, unit), -1, true));
  const dx = mul(inverse, sub(sub(scaled, mean(scaled, -1, true)), alongUnit));
  return [dx, sum(mul(dy, unit), rows), sum(dy, rows)];
}

/** Layer normalisation over the last axis (Ba et al. 2016): `[.., D]` → `[.., D]`. */
export function layerNorm<T extends Tensor>(params: Norm<Tensor>, x: T, epsilon: number): T {
  const run = customGrad((...inputs) => {
    const [input, gain, bias, save] = inputs as unknown as [Tensor, Tensor, Tensor, GradSaveFunc];
    const [value, center, inverse] = normalize(input, gain, bias, epsilon);
    save([input, gain, center, inverse]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => [...gradients(saved, dy)];
    return { value, gradFunc };
  });
  return run(x, params.gain, params.bias) as T;
}
