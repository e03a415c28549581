import { KdcError } from "@kdc-mae/core";
import type { KernelRule, KernelRules } from "./kernel-rule.js";
import { arithmeticRules } from "./kernels-arithmetic.js";
import { attentionRules } from "./kernels-attention.js";
import { blockRules } from "./kernels-blocks.js";
import { convolutionRules } from "./kernels-convolution.js";
import { countingRules } from "./kernels-counting.js";
import { fusedRules } from "./kernels-fused.js";
import { gatherRules } from "./kernels-gather.js";
import { imageRules } from "./kernels-image.js";
import { matrixRules } from "./kernels-matrix.js";
import { poolingRules } from "./kernels-pooling.js";
import { reductionRules } from "./kernels-reduction.js";
import { responseRules } from "./kernels-response.js";
import { shapeRules } from "./kernels-shape.js";
import { slicingRules } from "./kernels-slicing.js";
import { unaryRules } from "./kernels-unary.js";

const table = new Map<string, KernelRule>(
  [
    arithmeticRules,
    unaryRules,
    reductionRules,
    shapeRules,
    slicingRules,
    gatherRules,
    matrixRules,
    convolutionRules,
    poolingRules,
    imageRules,
    blockRules,
    responseRules,
    countingRules,
    fusedRules,
    // 8 MB of scores: four heads of 708 tokens.
    attentionRules(2 ** 21),
  ].flatMap((rules) => Object.entries(rules)),
);

/**
 * Teaches the compiler a kernel, for every trace from now on. For one trace only, pass `rules` to `trace` or `compile`.
 *
 * @throws KdcError when the kernel already has a rule
 */
export function registerKernelRule(kernel: string, rule: KernelRule): void {
  if (table.has(kernel)) {
    throw new KdcError({
      where: "registerKernelRule",
      what: `the kernel ${kernel} already has a rule`,
      remedy: "Pass the rule as `rules` to compile, which comes before the table",
      reason: "kernel",
    });
  }
  table.set(kernel, rule);
}

/** Kernels the compiler knows, in alphabetical order. */
export function knownKernels(): readonly string[] {
  return [...table.keys()].sort();
}

/** The whole table with `rules` laid over it. */
export function kernelTable(rules: KernelRules = {}): ReadonlyMap<string, KernelRule> {
  return new Map([...table, ...Object.entries(rules)]);
}
