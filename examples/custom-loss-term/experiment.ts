import { varianceFloor } from "./variance-floor.js";

/** The demo with a term of our own beside its four: `kdc-mae pretrain examples/custom-loss-term/experiment.ts`. */
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
