import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { float32, isKdcError, KdcError } from "@kdc-mae/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf, type RunData, runDataOf } from "../corpus/data-digest.js";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { openRunFolder, STATE_FILE } from "../run/run-folder.js";
import { train } from "./train.js";
import type { Trainee } from "./trainee.js";

let root = "";
let made = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-train-"));
});
afterAll(() => rm(root, { recursive: true }));

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
  readonly path?: string;
  readonly modelBytes?: number;
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
async function run({ losses = () => [1, 2, 3, 4, 5], training = {}, takes = 0, ...rest }: Fake) {
  const experiment = experimentWith(training);
  const folder = await openRunFolder(rest.path ?? join(root, `run-${made++}`), experiment);
  const learned = float32([1]);
  const state = { step: 0, optimizer: { updates: 0 } };
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

describe("accumulation", () => {
  it("that takes more batches than an epoch has is refused before anything is trained", async () => {
    const path = join(root, `run-${made++}`);
    await expect(run({ path, training: { accumulate: 6 } })).rejects.toThrow(
      "training: an epoch has 5 batches and training.accumulate takes 6 for one update, so nothing would be learned. Set training.accumulate to 5 or less",
    );
    expect(existsSync(join(path, STATE_FILE))).toBe(false);
    expect((await run({ path: join(root, `run-${made++}`), training: { accumulate: 5 } })).updates).toBe(3);
  });

  it("says how many batches it leaves over", async () => {
    const { notes, updates } = await run({ training: { accumulate: 2 } });
    expect(updates).toBe(6);
    expect(notes).toEqual(["1 of 5 batches of every epoch are left over by training.accumulate"]);
  });
});

describe("batches of the next epoch", () => {
  const watched = () => {
    const events: string[] = [];
    return {
      events,
      onBatches: (what: string, epoch: number) => void events.push(`${what} ${epoch}`),
      onUpdate: (step: number) => void events.push(`update ${step}`),
    };
  };

  it("are begun before this one ends, and none after the last", async () => {
    const { events, ...watch } = watched();
    const { learned } = await run({ ...watch, training: { epochs: 2 } });
    expect(learned).toBe(30);
    expect(events.indexOf("begun 1")).toBeGreaterThan(events.indexOf("update 0"));
    expect(events.indexOf("begun 1")).toBeLessThan(events.indexOf("update 4"));
    expect(events.filter((event) => /begun|closed/.test(event)).sort()).toEqual([
      "begun 0",
      "begun 1",
      "closed 0",
      "closed 1",
    ]);
  });

  it("are given up where the run stops or goes back, and begun again", async () => {
    const { events, ...watch } = watched();
    const controller = new AbortController();
    const onUpdate = (step: number) => {
      if (step === 4) controller.abort();
    };
    const path = join(root, `run-${made++}`);
    const stopped = await run({ ...watch, onUpdate, path, signal: controller.signal });
    expect(stopped.finished).toBe(false);
    expect(events.sort()).toEqual(["begun 0", "begun 1", "closed 0", "closed 1"]);
    expect((await run({ path })).learned).toBe(45);

    const back = watched();
    const losses = (epoch: number) => (epoch === 0 ? [1, 2, 3, Number.NaN, 5] : [1, 2, 3, 4, 5]);
    const { learned } = await run({ ...back, losses, takes: 2000, training: { epochs: 2, checkpointSeconds: 1 } });
    expect(learned).toBe(1 + 2 + 3 + 5 + 15);
    const [begun, closed] = ["begun 1", "closed 1"].map((kind) => back.events.filter((event) => event === kind));
    expect([begun.length, closed.length]).toEqual([2, 2]);
  });

  it("that cannot be made fail when it is their turn, after what came before them", async () => {
    const seen: number[] = [];
    const losses = (epoch: number) => {
      if (epoch === 1) throw new Error("a shard is gone");
      return [1, 2, 3, 4, 5];
    };
    await expect(run({ losses, onUpdate: (step) => void seen.push(step) })).rejects.toThrow("a shard is gone");
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });
});

describe("a loss that is not finite", () => {
  const bad = (epoch: number) => (epoch === 1 ? [1, 2, Number.NaN, 4, 5] : [1, 2, 3, 4, 5]);

  it("takes the run back to its last checkpoint, and skips what led there", async () => {
    // A checkpoint after every update; the one before the bad step is gone back to, and made again without its batch.
    const { notes, learned, updates, finished } = await run({
      losses: bad,
      takes: 2000,
      training: { checkpointSeconds: 1 },
    });
    expect(notes).toEqual([
      "step 8: the loss is NaN; back to step 7; the batches it came from are skipped (1 of 3 times)",
    ]);
    expect([finished, updates, learned]).toEqual([true, 14, 15 + (1 + 2 + 4 + 5) + 15]);
  });

  it("from a checkpoint further back the step before it is skipped too", async () => {
    // Checkpoints after steps 4, 8 … of 1 s: the last one before step 8 is that of step 5's epoch end or step 4.
    const { notes, learned, seen } = await run({ losses: bad, takes: 1000, training: { checkpointSeconds: 3.5 } });
    expect(notes[0]).toContain("step 8: the loss is NaN; back to step 4; the batches it came from are skipped");
    // 5, 1 again, then 2 and NaN are left out.
    expect(seen).toEqual([1, 2, 3, 4, 5, 1, 2, Number.NaN, 5, 1, 4, 5, 1, 2, 3, 4, 5]);
    expect(learned).toBe(15 + (1 + 4 + 5) + 15);
  });

  it("without any checkpoint yet is left out", async () => {
    const { notes, learned } = await run({ losses: bad });
    expect(notes).toEqual(["step 8: the loss is NaN; its batches are skipped (1 of 3 times)"]);
    expect(learned).toBe(15 + 12 + 15);
  });

  it("ends the run once too often, and at once where it is to", async () => {
    const always = () => [Number.NaN, Number.NaN, 3];
    await expect(run({ losses: always, training: { rollback: { times: 1 } } })).rejects.toThrow("the loss is NaN");
    await expect(run({ losses: bad, training: { rollback: { times: 0 } } })).rejects.toThrow("the loss is NaN");
  });

  it("stays skipped when the run is stopped and goes on", async () => {
    const path = join(root, `run-${made++}`);
    const controller = new AbortController();
    const stopAt = (step: number) => {
      if (step === 8) controller.abort();
    };
    const every = { losses: bad, path, takes: 2000, training: { checkpointSeconds: 1 } };
    const before = await run({ ...every, signal: controller.signal, onUpdate: stopAt });
    expect(before.finished).toBe(false);
    const after = await run(every);
    expect([after.finished, after.learned, after.notes]).toEqual([true, 15 + 12 + 15, []]);
  });
});

describe("a loss that jumps", () => {
  const calm = Array.from({ length: 30 }, () => 1);
  const wild = (epoch: number) => (epoch === 1 ? calm.with(10, 7) : calm);

  it("by the set factor goes back too; without one it is a loss like any other", async () => {
    const settings = { losses: wild, takes: 2000, training: { checkpointSeconds: 1 } };
    expect((await run(settings)).learned).toBe(96);
    const { notes, learned } = await run({
      ...settings,
      training: { checkpointSeconds: 1, rollback: { times: 2, jump: 5 } },
    });
    expect(notes).toEqual([
      "step 41: the loss jumped from 1.00, its mean, to 7.00; back to step 40; the batches it came from are skipped (1 of 2 times)",
    ]);
    expect(learned).toBe(89);
  });
});

describe("a finished run", () => {
  it("goes on for more epochs, as if it had been to have them from the start", async () => {
    const path = join(root, `run-${made++}`);
    await run({ path, training: { epochs: 2 } });
    const { learned, notes, seen } = await run({ path, training: { epochs: 3 } });
    expect([learned, seen]).toEqual([45, [1, 2, 3, 4, 5]]);
    expect(notes).toEqual(["the run was to have 2 epochs and goes on to 3; its rate is 1.0 now"]);
    await expect(run({ path, training: { epochs: 2 } })).rejects.toThrow("training.epochs is 2, and 3 there");
  });
});

describe("a request to stop", () => {
  it("during a long update leaves a checkpoint at once, and the update is made again", async () => {
    const path = join(root, `run-${made++}`);
    const controller = new AbortController();
    let savedMeanwhile = false;
    const slow = async (step: number) => {
      if (step !== 2) return;
      controller.abort();
      for (let i = 0; i < 200 && !savedMeanwhile; i++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        savedMeanwhile = existsSync(join(path, STATE_FILE));
      }
    };
    const before = await run({ path, signal: controller.signal, onUpdate: slow });
    expect([before.finished, before.steps, savedMeanwhile]).toEqual([false, 2, true]);
    const after = await run({ path });
    expect([after.finished, after.learned, after.seen.length]).toEqual([true, 45, 13]);
  });

  it("during an update that cannot be given up counts it, and saves what it counts for", async () => {
    const path = join(root, `run-${made++}`);
    const controller = new AbortController();
    const slow = async (step: number) => {
      if (step !== 2) return;
      controller.abort();
      await new Promise((resolve) => setTimeout(resolve, 50));
    };
    const losses = () => [1, 2, 9, 4, 5];
    const before = await run({ path, losses, signal: controller.signal, onUpdate: slow, isLaunched: true });
    expect([before.finished, before.steps]).toEqual([false, 3]);
    const after = await run({ path, losses });
    expect([after.finished, after.learned]).toEqual([true, 63]);
    expect((await after.folder.readLog()).map(({ losses }) => losses.total)).toEqual([4.2, 4.2, 4.2]);
  });
});

describe("kept checkpoints", () => {
  it("are the last few and every so many", async () => {
    const { folder } = await run({ training: { epochs: 10, keep: { last: 2, every: 4 } } });
    const names = ["epoch-0004", "epoch-0008", "epoch-0009", "epoch-0010"].map((name) => `${name}.safetensors`);
    expect((await readdir(folder.file("checkpoints"))).sort()).toEqual(names);
    const { folder: other } = await run({ training: { epochs: 10, keep: { every: 5 } } });
    expect(await readdir(other.file("checkpoints"))).toHaveLength(2);
  });

  it("a disk that cannot hold what a run will write is told before it begins", async () => {
    const path = join(root, `run-${made++}`);
    const error = await run({ path, modelBytes: 1e18 }).catch((reason: unknown) => reason);
    expect(isKdcError(error) && error.reason).toBe("disk-full");
    expect((error as Error).message).toMatch(
      /^write .*run-\d+: checkpoints and models of this run will take 1000000000\.00 GB and \d+\.\d+ GB are free\. Free some/,
    );
    expect(existsSync(join(path, STATE_FILE))).toBe(false);
  });
});

describe("data of a run that goes on", () => {
  const clip = (id: string, labels = ["bell"], split = "train") => ({ id, labels, split });
  const clips = [clip("a"), clip("b", ["drum"]), clip("c")];
  const named = [...clips, clip("d", ["bell"], "test")];
  const dataOf = (fitted = clips, all = named) => runDataOf(fitted, digestOf(all));
  /** A run that was stopped after two updates, and the folder it is in. */
  const stopped = async () => {
    const path = join(root, `run-${made++}`);
    const stopping = new AbortController();
    const onUpdate = (step: number) => void (step === 2 && stopping.abort());
    const first = await run({ path, data: dataOf(), onUpdate, signal: stopping.signal });
    expect([first.finished, first.steps]).toEqual([false, 2]);
    return path;
  };

  it("the same go on, to what an undisturbed run learns", async () => {
    const path = await stopped();
    const again = await run({ path, data: dataOf() });
    expect([again.finished, again.learned]).toEqual([true, (await run({ data: dataOf() })).learned]);
  });

  it("decoded by another program are told of, and the run keeps a record of both", async () => {
    const by = (decodedBy: string) => runDataOf(clips, { ...digestOf(named), decodedBy });
    const path = join(root, `run-${made++}`);
    const stopping = new AbortController();
    const onUpdate = (step: number) => void (step === 2 && stopping.abort());
    await run({ path, data: by("ffmpeg 5.1"), onUpdate, signal: stopping.signal });
    const again = await run({ path, data: by("ffmpeg 7.0"), takes: 1, training: {} });
    expect(again.notes).toContain(
      "the run's clips were decoded by ffmpeg 5.1, and are decoded by ffmpeg 7.0 now; they may differ",
    );
    expect(again.finished).toBe(true);
    expect((await run({ path, data: by("ffmpeg 7.0") })).notes).toEqual([]);
  });

  it.each<[string, RunData, string]>([
    ["a label", dataOf([clip("a"), clip("b", ["horn"]), clip("c")]), "labels of clips that are trained on changed"],
    ["permuted labels", dataOf([clip("a", ["drum"]), clip("b"), clip("c")]), "labels of clips that are trained on"],
    ["a clip that is gone", dataOf(clips.slice(1)), "there were 3 clips that are trained on, and there are 2"],
    [
      "another clip",
      dataOf([clip("a"), clip("b", ["drum"]), clip("x")]),
      "some of the clips that are trained on are others",
    ],
    ["another order", dataOf([...clips].reverse()), "clips that are trained on come in another order"],
    [
      "another split",
      dataOf(clips, [...clips, clip("d", ["bell"], "validation")]),
      "splits of clips that the data name",
    ],
    [
      "a clip more to be scored",
      dataOf(clips, [...named, clip("e", [], "test")]),
      "there were 4 clips that the data name",
    ],
  ])("%s is refused by name, or accepted and recorded", async (_, data, what) => {
    const path = await stopped();
    const before = await readFile(join(path, STATE_FILE));
    await expect(run({ path, data })).rejects.toThrow(what);
    await expect(run({ path, data })).rejects.toMatchObject({ reason: "other-data" });
    expect(await readFile(join(path, STATE_FILE))).toEqual(before);
    const accepted = await run({ path, data, acceptChangedData: true });
    expect(accepted.finished).toBe(true);
    expect(accepted.notes.join()).toContain("goes on with other data from step 2 on");
    const [entry] = await accepted.folder.readLog();
    expect(entry.otherData?.[0]).toMatchObject({ step: 2, changes: [expect.stringContaining(what)] });
    // What was accepted is what the run is held to from then on.
    await run({ path, data, training: { epochs: 4 } });
    await expect(run({ path, data: dataOf(), training: { epochs: 5 } })).rejects.toMatchObject({
      reason: "other-data",
    });
  });
});
