import type { FloatTensor } from "@kdc-mae/core";
import type { Scalar, Tensor } from "@tensorflow/tfjs-core";

/** One term of an objective: its unweighted value, and the weight that the objective's author gave it. */
export type WeightedTerm = { readonly name: string; readonly value: Scalar; readonly weight: number };

/** Trained numbers of a weighting: a scalar per term name, in a named group. `{}` where nothing is trained. */
export type WeightingParams<Leaf> = { readonly [group: string]: { readonly [term: string]: Leaf } };

/** How terms become one number to go down. */
export type Weighting = {
  readonly name: string;
  /** First values of what it trains, for these terms. */
  readonly init: (terms: readonly Omit<WeightedTerm, "value">[]) => WeightingParams<FloatTensor>;
  /** The one number, of the terms’ values and what is trained. */
  readonly total: (terms: readonly WeightedTerm[], params: WeightingParams<Tensor>) => Scalar;
};
