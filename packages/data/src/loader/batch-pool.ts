import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { KdcError } from "@kdc-mae/core";
import type { SampleRecipe } from "../make-sample.js";
import { type BatchPool, type MadeBatch, onThisThread, type SampleJob } from "./make-batch.js";
import { unpack } from "./unpack.js";
import type { Answer, Question } from "./worker.js";

/** The compiled worker; run from sources it is looked for in the build. Undefined where there is none. */
export function findWorker(): string | undefined {
  const places = ["./worker.js", "../../dist/loader/worker.js"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return places.find((path) => existsSync(path));
}

type Waiting = {
  readonly batch: readonly SampleJob[];
  readonly resolve: (made: MadeBatch) => void;
  readonly reject: (error: unknown) => void;
  tries: number;
};
type Hand = { readonly worker: Worker; readonly batches: Map<number, Waiting> };

/** Most batches that one worker holds: while it works on one the next is there already. */
const held = 2;

/**
 * Makes batches in worker threads. A worker that dies is replaced and its batches are made again; a batch whose worker
 * dies twice fails.
 *
 * @param count threads; 0 makes them on this one
 * @param file the worker's program; the compiled one by default
 * @throws KdcError reason `no-worker` when the package is not built
 */
export function batchPool(recipe: SampleRecipe, count: number, file = findWorker()): BatchPool {
  if (count === 0) return onThisThread(recipe, unpack);
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
    for (const { worker, batches } of hands) {
      while (batches.size < held && queue.length > 0) {
        const waiting = queue.shift()!;
        batches.set(next, waiting);
        // Copied or shared, not transferred: a batch may be asked for again when a worker dies.
        worker.postMessage({ number: next++, jobs: waiting.batch } satisfies Question);
      }
    }
  };
  const lose = (hand: Hand, cause: unknown) => {
    const at = hands.indexOf(hand);
    if (at < 0 || closed) return;
    hands.splice(at, 1, hire());
    for (const waiting of [...hand.batches.values()].reverse()) {
      if (++waiting.tries < 2) queue.unshift(waiting);
      else waiting.reject(workerDied(whereOf(waiting), cause));
    }
    deal();
  };
  const hire = (): Hand => {
    const worker = new Worker(file, { workerData: recipe });
    const hand: Hand = { worker, batches: new Map() };
    worker.on("message", (answer: Answer) => {
      const waiting = hand.batches.get(answer.number);
      hand.batches.delete(answer.number);
      deal();
      if ("made" in answer) waiting?.resolve(answer.made);
      else waiting?.reject(new KdcError(answer.parts));
    });
    worker.on("error", (error) => lose(hand, error));
    worker.on("exit", (code) => lose(hand, new Error(`it ended with code ${code}`)));
    return hand;
  };
  return {
    make: (batch) =>
      new Promise((resolve, reject) => {
        const waiting = { batch, resolve, reject, tries: 0 };
        if (closed) reject(workerDied(whereOf(waiting), new Error("the loader was closed")));
        // Nobody is hired before there is work.
        while (!closed && hands.length < count) hands.push(hire());
        queue.push(waiting);
        deal();
      }),
    close: async () => {
      closed = true;
      for (const waiting of [...queue, ...hands.flatMap(({ batches }) => [...batches.values()])]) {
        waiting.reject(workerDied(whereOf(waiting), new Error("the loader was closed")));
      }
      await Promise.all(hands.map(({ worker }) => worker.terminate()));
    },
  };
}

const whereOf = ({ batch: [first] }: Pick<Waiting, "batch">): string => first?.of.where ?? "an empty batch";

const workerDied = (where: string, cause: unknown): KdcError =>
  new KdcError({
    where: `loader, at ${where}`,
    what: `its worker died (${cause instanceof Error ? cause.message : String(cause)})`,
    remedy: "Check whether memory ran out; use fewer workers, and run again",
    reason: "worker-died",
    cause,
  });
