import type { Ablation } from "./schema.js";

/**
 * The ablation that matters: what each part of the objective adds to the demo, once for the same number of steps and
 * once for the same compute. A step with two views costs what two steps with one view cost, so at equal compute the
 * one-view arms train twice as long; arms with two views are the same runs in both tables.
 */
const objectives: Ablation = {
  name: "ablation-objectives",
  summary:
    "What each part of the objective adds, on the demo's clips: reconstruction alone, with contrast, with two views and distillation. A seed covers initial weights, masks, frames and order of the training clips; the clips themselves are the same for all runs.",
  base: "demo",
  // Fewer epochs than the demo's, so that 18 runs fit well within an hour on two cores.
  change: { training: { epochs: 16, checkpointSeconds: 30 } },
  arms: [
    {
      name: "av-mae",
      about: "AV-MAE, one view, reconstruction alone",
      keepTerms: ["reconstruction-*"],
      change: { masking: { views: 1 } },
    },
    {
      name: "cav-mae",
      about: "CAV-MAE, one view, reconstruction and contrast",
      keepTerms: ["reconstruction-*", "contrastive*"],
      change: { masking: { views: 1 } },
    },
    {
      name: "av-mae-long",
      about: "AV-MAE at the compute of two views",
      keepTerms: ["reconstruction-*"],
      change: { masking: { views: 1 } },
      equalCompute: true,
    },
    {
      name: "cav-mae-long",
      about: "CAV-MAE at the compute of two views",
      keepTerms: ["reconstruction-*", "contrastive*"],
      change: { masking: { views: 1 } },
      equalCompute: true,
    },
    {
      name: "kdc-mae-independent",
      about: "KDC-MAE, two views masked independently",
      change: { masking: { kind: "independent" } },
    },
    { name: "kdc-mae-complementary", about: "KDC-MAE, two disjoint views" },
  ],
  comparisons: [
    { title: "Equal steps", arms: ["av-mae", "cav-mae", "kdc-mae-independent", "kdc-mae-complementary"] },
    {
      title: "Equal compute",
      arms: ["av-mae-long", "cav-mae-long", "kdc-mae-independent", "kdc-mae-complementary"],
    },
    { title: "Against CAV-MAE, equal steps", arms: ["cav-mae", "kdc-mae-independent", "kdc-mae-complementary"] },
    {
      title: "Against CAV-MAE, equal compute",
      arms: ["cav-mae-long", "kdc-mae-independent", "kdc-mae-complementary"],
    },
    { title: "Complementary against independent views", arms: ["kdc-mae-independent", "kdc-mae-complementary"] },
  ],
  seeds: 3,
};

/** Ablations that ship with the trainer, by name. */
export const namedAblations: Readonly<Record<string, Ablation>> = { [objectives.name]: objectives };
