export { checkAblation } from "./pipeline/ablate/load.js";
export { namedAblations } from "./pipeline/ablate/named.js";
export type { Ablation } from "./pipeline/ablate/schema.js";
export { checkExperiment } from "./pipeline/experiment/check.js";
export { loadExperiment } from "./pipeline/experiment/load.js";
export { named } from "./pipeline/experiment/named.js";
export type { CheckedExperiment, Experiment } from "./pipeline/experiment/schema.js";
