import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isKdcError } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { STATE_FILE } from "../run/run-folder.js";
import { runsApart } from "./fake-run.test.support.js";

const { newPath, run } = runsApart();

describe("accumulation", () => {
  it("that takes more batches than an epoch has is refused before anything is trained", async () => {
    const path = newPath();
    await expect(run({ path, training: { accumulate: 6 } })).rejects.toThrow(
      "training: an epoch has 5 batches and training.accumulate takes 6 for one update, so nothing would be learned. Set training.accumulate to 5 or less",
    );
    expect(existsSync(join(path, STATE_FILE))).toBe(false);
    expect((await run({ path: newPath(), training: { accumulate: 5 } })).updates).toBe(3);
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
    const path = newPath();
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

  it("never takes it back over the end of its best epoch, whose file would be of steps undone", async () => {
    const losses = (epoch: number) => (epoch === 0 ? [5, 4, 3, 2, 1] : [Number.NaN, 9, 9, 9, 9]);
    const training = { epochs: 2, checkpointSeconds: 3.5 };
    const { notes, learned, folder } = await run({ losses, takes: 1000, training, keepsBest: true });
    expect(notes).toEqual([
      "step 6: the loss is NaN; back to step 5; the batches it came from are skipped (1 of 3 times)",
    ]);
    expect([learned, await readFile(folder.file("best"), "utf8")]).toEqual([15 + 36, "epoch 1: 15"]);
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
    const path = newPath();
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
    const path = newPath();
    await run({ path, training: { epochs: 2 } });
    const { learned, notes, seen } = await run({ path, training: { epochs: 3 } });
    expect([learned, seen]).toEqual([45, [1, 2, 3, 4, 5]]);
    expect(notes).toEqual(["the run was to have 2 epochs and goes on to 3; its learning rate is 1.0 now"]);
    await expect(run({ path, training: { epochs: 2 } })).rejects.toThrow("training.epochs is 2, and 3 there");
  });
});

describe("a request to stop", () => {
  it("during a long update leaves a checkpoint at once, and the update is made again", async () => {
    const path = newPath();
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
    const path = newPath();
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
    const path = newPath();
    const error = await run({ path, modelBytes: 1e18 }).catch((reason: unknown) => reason);
    expect(isKdcError(error) && error.reason).toBe("disk-full");
    expect((error as Error).message).toMatch(
      /^write .*run-\d+: checkpoints and models of this run will take 1000000000\.00 GB and \d+\.\d+ GB are free\. Free some/,
    );
    expect(existsSync(join(path, STATE_FILE))).toBe(false);
  });
});
