import { askWorker } from "../calls/ask.js";
import type { MediaWork } from "../media/worker.js";

/** Decodes; holds the clip that is open. */
export const media = askWorker<MediaWork>(
  () => new Worker(new URL("../media/worker.ts", import.meta.url), { type: "module", name: "media" }),
);
