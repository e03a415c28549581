import { parentPort, workerData } from "node:worker_threads";
import { isKdcError } from "@kdc-mae/core";
import { makeSample, type SampleJob, type SampleRecipe } from "./make-sample.js";

/** What a worker answers. Errors cross as their parts, since a class does not. */
export type Answer =
  | { readonly number: number; readonly made: Awaited<ReturnType<typeof makeSample>> }
  | { readonly number: number; readonly parts: { where: string; what: string; remedy: string; reason: string } };

// The entry of a worker thread: jobs in, samples out.
const recipe = workerData as SampleRecipe;
parentPort?.on("message", async ({ number, job }: { number: number; job: SampleJob }) => {
  try {
    const made = await makeSample(job, recipe);
    const buffers = [made.audio.data.buffer, made.visual.data.buffer] as ArrayBuffer[];
    parentPort?.postMessage({ number, made } satisfies Answer, buffers);
  } catch (error) {
    const remedy = "Prepare the set again, or report this";
    const parts = isKdcError(error)
      ? { where: error.where, what: error.what, remedy: error.remedy, reason: error.reason }
      : { where: job.where, what: String(error), remedy, reason: "error" };
    parentPort?.postMessage({ number, parts } satisfies Answer);
  }
});
