export { checkAblation } from "./ablate/load.js";
export { namedAblations } from "./ablate/named.js";
export type { Ablation } from "./ablate/schema.js";
export { checkExperiment } from "./experiment/check.js";
export { loadExperiment } from "./experiment/load.js";
export { named } from "./experiment/named.js";
export type { CheckedExperiment, Experiment } from "./experiment/schema.js";
