import { parentPort, workerData } from "node:worker_threads";
import { type ErrorParts, errorParts, isKdcError } from "@kdc-mae/core";
import type { SampleRecipe } from "../make-sample.js";
import { type MadeBatch, makeBatch, type SampleJob } from "./make-batch.js";
import { unpack } from "./unpack.js";

/** What a worker is asked: a batch, by number. */
export type Question = { readonly number: number; readonly jobs: readonly SampleJob[] };

/** What it answers. Errors cross as their parts, since a class does not. */
export type Answer =
  | { readonly number: number; readonly made: MadeBatch }
  | { readonly number: number; readonly parts: ErrorParts };

// The entry of a worker thread: jobs in, batches out.
const recipe = workerData as SampleRecipe;
parentPort?.on("message", async ({ number, jobs }: Question) => {
  try {
    const made = await makeBatch(jobs, recipe, unpack);
    const { audio, visual } = made.patches;
    const buffers = [audio.data.buffer, visual.data.buffer] as ArrayBuffer[];
    parentPort?.postMessage({ number, made } satisfies Answer, buffers);
  } catch (error) {
    const remedy = "Prepare the set again, or report this";
    const parts = isKdcError(error)
      ? errorParts(error)
      : { where: jobs[0]?.of.where ?? "loader", what: String(error), remedy, reason: "error" };
    parentPort?.postMessage({ number, parts } satisfies Answer);
  }
});
