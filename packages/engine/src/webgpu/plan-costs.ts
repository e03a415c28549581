import type { Kernel } from "./draft-kernels.js";
import { usesUnits } from "./kernel-matrix-units.js";
import type { Plan } from "./plan.js";
import { bytesOf, type Family } from "./plan-node.js";

/** What one dispatch is asked to do. `flops` and `bytes` are counted from the plan, not measured. */
export type DispatchCost = {
  readonly family: Family;
  readonly flops: number;
  /** Read and written, each tensor once per kernel that touches it. */
  readonly bytes: number;
  /** Whether it is written for matrix units. */
  readonly units: boolean;
};

const familyOf = ({ group }: Kernel): Family => (group.core ?? group.members[0]).family;

const bytesIn = ({ text }: Kernel): number =>
  text.touched.reduce(
    (sum, { node, output, read, written }) => sum + bytesOf(node, output) * (Number(read) + Number(written)),
    0,
  );

const costOf = (kernels: readonly Kernel[]): DispatchCost => ({
  family: familyOf(kernels[0]),
  flops: kernels.reduce((sum, { flops }) => sum + flops, 0),
  bytes: kernels.reduce((sum, kernel) => sum + bytesIn(kernel), 0),
  units: usesUnits(kernels[0].text),
});

/** Counts a plan, dispatch by dispatch, and its memory. Kernels in one dispatch are taken to lie in the same buffers. */
export function planCosts(plan: Plan): {
  readonly dispatches: readonly DispatchCost[];
  readonly activationBytes: number;
  readonly inputBytes: number;
} {
  const inputs = plan.graph.inputs.map(({ shape }) => 4 * shape.reduce((all, size) => all * size, 1));
  return {
    dispatches: plan.steps.map((step) => costOf("shader" in step ? [step.kernel] : step.batch)),
    activationBytes: plan.memory.arenas.reduce((sum, bytes) => sum + bytes, plan.memory.constants.bytes),
    inputBytes: inputs.reduce((sum, bytes) => sum + bytes, 0),
  };
}
