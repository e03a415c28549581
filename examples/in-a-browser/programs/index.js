export { program as core } from "./core.js";
export { program as data } from "./data.js";
export { program as engine } from "./engine.js";
export { program as evaluation } from "./eval.js";
export { program as losses } from "./losses.js";
export { program as masking } from "./masking.js";
export { program as model } from "./model.js";
export { program as pretraining } from "./pretraining.js";
