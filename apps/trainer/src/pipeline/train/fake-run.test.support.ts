import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { float32, KdcError } from "@kdc-mae/core";
import { afterAll, beforeAll } from "vitest";
import type { RunData } from "../corpus/data-digest.js";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { openRunFolder } from "../run/run-folder.js";
import { train } from "./train.js";
import type { Trainee } from "./trainee.js";

const experimentWith = (training: Partial<CheckedExperiment["training"]>): CheckedExperiment => ({
  ...checkExperiment({ ...named.demo, schedule: { kind: "constant" }, optimizer: { learningRate: 1 } }, "test"),
  training: { batch: 1, epochs: 3, accumulate: 1, checkpointSeconds: 1000, ...training },
});

type Fake = {
  /** The loss of each batch of an epoch; what is learned is their sum. NaN is refused as a step of the engine is. */
  readonly losses?: (epoch: number) => readonly number[];
  readonly training?: Partial<CheckedExperiment["training"]>;
  /** Milliseconds that pass in an update. */
  readonly takes?: number;
  /** The run's folder. */
  readonly path: string;
  readonly modelBytes?: number;
  /** Keeps what was learned by the end of the epoch with the smallest mean loss, in the file "best". */
  readonly keepsBest?: true;
  readonly onUpdate?: (step: number) => Promise<void> | void;
  /** Told when an epoch's batches are begun, and when they are closed. */
  readonly onBatches?: (what: "begun" | "closed", epoch: number) => void;
  readonly signal?: AbortSignal;
  /** An update that is under way ends as a step, whatever the signal says. */
  readonly isLaunched?: boolean;
  readonly data?: RunData;
  readonly acceptChangedData?: boolean;
};

/** A run that adds up its losses, on a clock of its own. */
async function runIn({ losses = () => [1, 2, 3, 4, 5], training = {}, takes = 0, ...rest }: Fake) {
  const experiment = experimentWith(training);
  const folder = await openRunFolder(rest.path, experiment);
  const learned = float32([1]);
  const state = { step: 0, optimizer: { updates: 0 } };
  const own: { best?: number } = {};
  const [notes, seen, rates]: [string[], number[], number[]] = [[], [], []];
  let [now, begun] = [0, Promise.resolve() as Promise<void>];
  const trainee: Trainee<number> = {
    source: {
      data: rest.data,
      stepsPerEpoch: losses(0).length,
      async *batches(epoch, from) {
        rest.onBatches?.("begun", epoch);
        try {
          yield* losses(epoch).slice(from);
        } finally {
          rest.onBatches?.("closed", epoch);
        }
      },
    },
    ...{ trees: { learned }, state, modelBytes: rest.modelBytes ?? 4 },
    // As a device does: what it has begun is there when it is brought to ordinary memory.
    ...(rest.isLaunched ? { collect: () => begun } : {}),
    update: (group) => {
      const made = take(group as readonly number[]);
      begun = made.then(
        () => undefined,
        () => undefined,
      );
      return made;
    },
    optimizer: {
      counters: () => ({ updates: state.optimizer.updates }),
      restore: ({ updates }) => {
        state.optimizer.updates = updates;
      },
    },
    saveModel: (file, weights) => writeFile(file, weights),
    notes: own,
    endEpoch: async (epoch, { total }) => {
      const isBest = rest.keepsBest === true && total < (own.best ?? Number.POSITIVE_INFINITY);
      if (isBest) {
        own.best = total;
        await writeFile(join(rest.path, "best"), `epoch ${epoch + 1}: ${learned.data[0]}`);
      }
      return { isBest };
    },
  };
  async function take(group: readonly number[]) {
    now += takes;
    seen.push(...group);
    await rest.onUpdate?.(state.step);
    if (rest.signal?.aborted && !rest.isLaunched)
      throw new KdcError({ where: "fake", what: "stopped", remedy: "", reason: "stopped" });
    const total = group.reduce((sum, loss) => sum + loss, 0) / group.length;
    const bad = { where: "fake", what: `the loss is ${total}`, remedy: "None", reason: "loss-not-finite" };
    if (!Number.isFinite(total)) throw new KdcError(bad);
    learned.data[0] += total;
    state.optimizer.updates += 1;
    state.step += 1;
    return { step: state.step, total, terms: {}, gradientNorm: 1 };
  }
  const result = await train(trainee, {
    ...{ experiment, folder, signal: rest.signal, clock: () => now, acceptChangedData: rest.acceptChangedData },
    onNote: (note) => notes.push(note),
    onStep: ({ rate }) => rates.push(rate),
  });
  return { ...result, learned: learned.data[0], notes, seen, rates, folder, updates: state.optimizer.updates };
}

/** New folders, which are gone after the tests of a file, and runs, each in one of its own or in a given one. */
export function runsApart() {
  let root = "";
  let made = 0;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "kdc-train-"));
  });
  afterAll(() => rm(root, { recursive: true }));
  const newPath = () => join(root, `run-${made++}`);
  return { newPath, run: (fake: Partial<Fake>) => runIn({ path: newPath(), ...fake }) };
}
