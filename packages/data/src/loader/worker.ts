import { parentPort, workerData } from "node:worker_threads";
import { isKdcError } from "@kdc-mae/core";
import type { MadeSample, SampleRecipe } from "../make-sample.js";
import { makeShardSample, type SampleJob } from "./shard-recording.js";

/** What a worker answers. Errors cross as their parts, since a class does not. */
export type Answer =
  | { readonly number: number; readonly made: MadeSample }
  | { readonly number: number; readonly parts: { where: string; what: string; remedy: string; reason: string } };

// The entry of a worker thread: jobs in, samples out.
const recipe = workerData as SampleRecipe;
parentPort?.on("message", async ({ number, job }: { number: number; job: SampleJob }) => {
  try {
    const made = await makeShardSample(job, recipe);
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
