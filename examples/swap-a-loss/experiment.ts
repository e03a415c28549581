import { varianceFloor } from "./swap-a-loss.js";

/** The demo with a term of our own beside its four: `kdc-mae pretrain examples/swap-a-loss/experiment.ts`. */
export default {
  base: "demo",
  change: {
    name: "demo-variance-floor",
    objective: [
      { term: "reconstruction-audio", weight: 1 },
      { term: "reconstruction-visual", weight: 1 },
      { term: "contrastive", weight: 1, options: { direction: "both" } },
      { term: "view-distillation", weight: 10 },
      { term: varianceFloor, weight: 0.5, options: { floor: 2 } },
    ],
  },
};
