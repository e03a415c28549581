import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { KdcError } from "@kdc-mae/core";
import type { MadeSample, SampleRecipe } from "../make-sample.js";
import { makeShardSample, type SampleJob } from "./shard-recording.js";
import type { Answer } from "./worker.js";

/** Makes samples, somewhere. */
export type SamplePool = { make(job: SampleJob): Promise<MadeSample>; close(): Promise<void> };

/** The compiled worker; run from sources it is looked for in the build. Undefined where there is none. */
export function findWorker(): string | undefined {
  const places = ["./worker.js", "../../dist/loader/worker.js"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return places.find((path) => existsSync(path));
}

/** Makes samples on this thread. */
export const inlinePool = (recipe: SampleRecipe): SamplePool => ({
  make: (job) => makeShardSample(job, recipe),
  close: async () => undefined,
});

type Waiting = {
  readonly job: SampleJob;
  readonly resolve: (made: MadeSample) => void;
  readonly reject: (error: unknown) => void;
  tries: number;
};
type Hand = { readonly worker: Worker; readonly jobs: Map<number, Waiting> };

/** Most jobs that one worker holds: while it works on one the next is there already. */
const held = 2;

/**
 * Makes samples in worker threads. A worker that dies is replaced and its jobs are done again; a job whose worker dies
 * twice fails.
 *
 * @param count threads
 * @param file the worker's program; the compiled one unless told
 * @throws KdcError reason `no-worker` when the package is not built
 */
export function workerPool(recipe: SampleRecipe, count: number, file = findWorker()): SamplePool {
  if (file === undefined) {
    throw new KdcError({
      where: "loader",
      what: "the compiled worker is not there",
      remedy: "Build the package (tsc -b), or use 0 workers",
      reason: "no-worker",
    });
  }
  const queue: Waiting[] = [];
  const hands: Hand[] = [];
  let [next, closed] = [0, false];

  const deal = () => {
    for (const { worker, jobs } of hands) {
      while (jobs.size < held && queue.length > 0) {
        const waiting = queue.shift()!;
        jobs.set(next, waiting);
        // Copied, not transferred: the bytes may be asked for again when a worker dies.
        worker.postMessage({ number: next++, job: waiting.job });
      }
    }
  };
  const lose = (hand: Hand, cause: unknown) => {
    const at = hands.indexOf(hand);
    if (at < 0 || closed) return;
    hands.splice(at, 1, hire());
    for (const waiting of [...hand.jobs.values()].reverse()) {
      if (++waiting.tries < 2) queue.unshift(waiting);
      else waiting.reject(workerDied(waiting.job.where, cause));
    }
    deal();
  };
  const hire = (): Hand => {
    const worker = new Worker(file, { workerData: recipe });
    const hand: Hand = { worker, jobs: new Map() };
    worker.on("message", (answer: Answer) => {
      const waiting = hand.jobs.get(answer.number);
      hand.jobs.delete(answer.number);
      deal();
      if ("made" in answer) waiting?.resolve(answer.made);
      else waiting?.reject(new KdcError(answer.parts));
    });
    worker.on("error", (error) => lose(hand, error));
    worker.on("exit", (code) => lose(hand, new Error(`it ended with code ${code}`)));
    return hand;
  };
  for (let index = 0; index < count; index++) hands.push(hire());

  return {
    make: (job) =>
      new Promise((resolve, reject) => {
        if (closed) reject(workerDied(job.where, new Error("the loader was closed")));
        queue.push({ job, resolve, reject, tries: 0 });
        deal();
      }),
    close: async () => {
      closed = true;
      for (const waiting of [...queue, ...hands.flatMap(({ jobs }) => [...jobs.values()])]) {
        waiting.reject(workerDied(waiting.job.where, new Error("the loader was closed")));
      }
      await Promise.all(hands.map(({ worker }) => worker.terminate()));
    },
  };
}

const workerDied = (where: string, cause: unknown): KdcError =>
  new KdcError({
    where: `loader, at ${where}`,
    what: `its worker died (${cause instanceof Error ? cause.message : String(cause)})`,
    remedy: "Look whether memory ran out; use fewer workers, and run again",
    reason: "worker-died",
    cause,
  });
