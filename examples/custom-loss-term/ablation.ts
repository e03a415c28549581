import { varianceFloor } from "./variance-floor.js";

/** Does the term help, and does it do distillation's work? `kdc-mae ablate examples/custom-loss-term/ablation.ts --seeds 3` */
export default {
  name: "variance-floor",
  base: "demo",
  arms: [
    { name: "demo" },
    { name: "with-floor", addTerms: [{ term: varianceFloor, weight: 0.5, options: { floor: 2 } }] },
    {
      name: "floor-for-distillation",
      keepTerms: ["reconstruction-*", "contrastive*"],
      addTerms: [{ term: varianceFloor, weight: 0.5, options: { floor: 2 } }],
    },
  ],
};
