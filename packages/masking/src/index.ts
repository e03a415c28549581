export { type AdaptiveMasker, adaptiveViews, clipNoise } from "./adaptive.js";
export { batchViews } from "./batch.js";
export { complementaryViews } from "./complementary.js";
export { type Masker, type MaskRatio, type PerModality, viewsFromDecks } from "./masker.js";
export { randomViews } from "./random.js";
export { structuredViews } from "./structured.js";
