import { askWorker } from "../calls/ask.js";
import type { LabWork } from "../lab/worker.js";
import type { MapWork } from "../map/worker.js";
import type { MediaWork } from "../media/worker.js";

/** Decodes; holds the clip that is open. */
export const media = askWorker<MediaWork>(
  () => new Worker(new URL("../media/worker.ts", import.meta.url), { type: "module", name: "media" }),
);

/** A lab of its own: models and training, with everything that computes. */
export const openLab = (name: string) =>
  askWorker<LabWork>(() => new Worker(new URL("../lab/worker.ts", import.meta.url), { type: "module", name }));

/** Holds the model that is at work. */
export const lab = openLab("lab");

/** Holds the index. */
export const map = askWorker<MapWork>(
  () => new Worker(new URL("../map/worker.ts", import.meta.url), { type: "module", name: "map" }),
);
