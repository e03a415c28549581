import type { FloatTensor, Tree } from "@kdc-mae/core";
import { type AdamOptions, adam, adamW } from "@kdc-mae/engine";
import type { CheckedExperiment } from "../experiment/schema.js";

/**
 * The optimizer an experiment describes.
 *
 * @param groups parameters with a rate of their own
 */
export function optimizerFor<Params extends Tree<FloatTensor>>(
  { kind, betas, epsilon, weightDecay }: CheckedExperiment["optimizer"],
  groups?: AdamOptions["groups"],
) {
  const make = kind === "adam" ? adam : adamW;
  return make<Params>({ betas, epsilon, weightDecay, ...(groups === undefined ? {} : { groups }) });
}
