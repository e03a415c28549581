import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { float32, KdcError } from "@kdc-mae/core";
import type { Probe } from "@kdc-mae/eval";
import { afterAll } from "vitest";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import { openRunFolder } from "../run/run-folder.js";
import type { Trainee } from "../train/trainee.js";
import type { RunWatch } from "./observe-run.js";
import { trainObserved } from "./train-observed.js";

/** A folder for the runs of a file of tests. */
export const root = await mkdtemp(join(tmpdir(), "kdc-log-"));
let made = 0;
afterAll(() => rm(root, { recursive: true }));

const same = (value: number) => ({ audio: value, visual: value, joint: value });
export const probeOf = (rank: number): Probe => ({
  ...{ clips: 101, width: 192, rank: same(rank), alignment: 1, uniformity: same(-2), deviation: same(1) },
  retrieval: { audioToVisual: 0.5, visualToAudio: 0.5, chance: 1 / 101 },
});

type Run = Partial<RunWatch> & {
  readonly epochs?: number;
  readonly perEpoch?: number;
  /** Milliseconds that an update takes. */
  readonly takes?: number;
  readonly path?: string;
  readonly stopAt?: number;
  /** The step whose loss is not finite, the first time it is made. */
  readonly nanAt?: number;
  readonly training?: object;
  /** What the loss is multiplied by in a step, and how often that was halved there. */
  readonly lossScale?: (step: number) => { readonly value: number; readonly halved: number };
};

/** A run that adds up its losses, on a clock of its own. */
export async function run({
  epochs = 2,
  perEpoch = 25,
  takes = 100,
  path = join(root, `run-${made++}`),
  ...rest
}: Run) {
  const experiment = checkExperiment(
    { ...named.demo, schedule: { kind: "constant" }, training: { batch: 3, epochs, ...rest.training } },
    "observed-run.test.support.ts",
  );
  const folder = await openRunFolder(path, experiment);
  const learned = float32([1]);
  const state = { step: 0 };
  const stop = new AbortController();
  let [now, bad] = [0, 0];
  const trainee: Trainee<number> = {
    source: {
      stepsPerEpoch: perEpoch,
      async *batches(_, from) {
        for (let at = from; at < perEpoch; at++) yield at;
      },
    },
    ...{ trees: { learned }, state, optimizer: countless, modelBytes: 4 },
    async update([batch]) {
      now += takes;
      if (state.step + 1 === rest.nanAt && !bad++) {
        throw new KdcError({ where: "fake", what: "the loss is NaN", remedy: "None", reason: "loss-not-finite" });
      }
      learned.data[0] += batch ?? 0;
      state.step += 1;
      if (state.step === rest.stopAt) stop.abort();
      const { step } = state;
      const lossScale = rest.lossScale?.(step);
      return { step, total: step, terms: { own: 2 * step }, gradientNorm: step / 10, ...(lossScale && { lossScale }) };
    },
    saveModel: (file, weights) => writeFile(file, weights),
  };
  const notes: string[] = [];
  const work = trainObserved(
    trainee,
    {
      ...{ experiment, folder, signal: stop.signal, clock: () => now, now: () => 1e12 + now, memory: () => 7e8 },
      onNote: (note) => notes.push(note),
    },
    { name: "fake", clips: 3, ...rest },
  );
  type Outcome = { readonly result?: Awaited<typeof work>; readonly error?: unknown };
  const ended = await work.then(
    (result): Outcome => ({ result }),
    (error: unknown): Outcome => ({ error }),
  );
  return { ...ended, notes, path, learned: learned.data[0] };
}

/** Counts nothing. */
export const countless = { counters: () => ({}), restore: () => undefined };
