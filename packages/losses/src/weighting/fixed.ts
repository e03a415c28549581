import { add, mul, type Scalar } from "@tensorflow/tfjs-core";
import type { Weighting } from "./weighting.js";

/**
 * Σ weight · value, as published; trains nothing.
 *
 * @example
 * ```ts
 * import { fixed, kdcMae, objective } from "@kdc-mae/losses";
 *
 * objective(kdcMae, fixed()).initParams(); // {}
 * ```
 */
export const fixed = (): Weighting => ({
  name: "fixed",
  init: () => ({}),
  total: (terms) =>
    terms.map(({ value, weight }) => mul<Scalar>(value, weight)).reduce((total, next) => add(total, next)),
});
