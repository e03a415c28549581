export { type MadeSet, makeSet, type SetRequest } from "./make-set.js";
export type { SetCounts } from "./set-parameters.js";
