import { clone, customGrad, type Tensor, zerosLike } from "@tensorflow/tfjs-core";

/** The same values, through which no gradient flows. */
export function stopGradient<T extends Tensor>(x: T): T {
  const still = customGrad((input) => ({
    value: clone(input as Tensor),
    gradFunc: (dy: Tensor) => zerosLike(dy),
  }));
  return still(x) as T;
}
