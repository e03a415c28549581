/**
 * A trained model as a function from sound and pictures to vectors, in Node and in a page. Loads nothing that needs Node.
 */
export * from "./pipeline/embed/embedder.js";
export * from "./pipeline/embed/streaming-embedder.js";
export { classifierIn } from "./pipeline/run/classifier-file.js";
export { modelIn } from "./pipeline/run/model-file.js";
