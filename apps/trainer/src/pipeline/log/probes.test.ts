import { join } from "node:path";
import { float32, isKdcError } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import { openRunFolder } from "../run/run-folder.js";
import { readEvents } from "./events-file.js";
import type { Prober } from "./observe-run.js";
import { countless, probeOf, root, run } from "./observed-run.test.support.js";
import { trainObserved } from "./train-observed.js";

/** Looks that take so many milliseconds of the run's clock. */
const proberOf = (
  ranks: (look: number) => number,
  every?: number,
  onLook = () => undefined as unknown,
): Prober & { looks: number } => ({
  every,
  looks: 0,
  async probe() {
    onLook();
    return { probe: probeOf(ranks(this.looks++)), attentionEntropy: [0.5, 0.25] };
  },
  picture: async () => [],
});

describe("probes", () => {
  it("come every so many steps, and change nothing of the run", async () => {
    const prober = proberOf(() => 30, 8);
    const { path, learned } = await run({ prober });
    const records = await readEvents(path);
    const seen = records.flatMap((record) => (record.kind === "probe" ? [record] : []));
    expect(seen.map(({ step }) => step)).toEqual([8, 16, 24, 32, 40, 48]);
    expect(seen[0]).toMatchObject({ probe: { clips: 101, rank: { joint: 30 } }, attentionEntropy: [0.5, 0.25] });
    expect(learned).toBe((await run({})).learned);
    expect(records.some(({ kind }) => kind === "warning")).toBe(false);
  });

  it("take 3 % of the time at most", async () => {
    let clock = 0;
    const looks: number[] = [];
    // The clock that the run has: 100 ms an update, 250 ms a look.
    const prober = proberOf(
      () => 30,
      1,
      () => {
        looks.push(clock);
        clock += 250;
      },
    );
    const experiment = checkExperiment(
      { ...named.demo, schedule: { kind: "constant" }, training: { batch: 1, epochs: 1 } },
      "probes.test.ts",
    );
    const folder = await openRunFolder(join(root, "slow"), experiment);
    const state = { step: 0 };
    const notes: string[] = [];
    const source = {
      stepsPerEpoch: 1000,
      async *batches() {
        for (let at = 0; at < 1000; at++) yield at;
      },
    };
    await trainObserved(
      {
        ...{ source, trees: { learned: float32([1]) }, state, modelBytes: 4, saveModel: async () => undefined },
        optimizer: countless,
        async update() {
          clock += 100;
          state.step += 1;
          return { step: state.step, total: 1, terms: {}, gradientNorm: 1 };
        },
      },
      { experiment, folder, clock: () => clock, onNote: (note) => notes.push(note) },
      { name: "fake", clips: 1, prober },
    );
    expect((250 * looks.length) / clock).toBeLessThanOrEqual(0.03);
    expect((250 * looks.length) / clock).toBeGreaterThan(0.025);
    expect(notes).toEqual([
      "probes: one takes 0.25 s, and every 1 steps they would take more than 3 % of the time; some are passed over",
    ]);
  });

  it("that say collapse warn once while it lasts, and end the run where they are asked to", async () => {
    const ranks = (look: number) => (look < 2 ? 30 : 1.2);
    const warned = await run({ prober: proberOf(ranks, 5), warmup: () => 0 });
    expect(warned.result).toEqual({ finished: true, steps: 50 });
    expect(warned.notes.filter((note) => note.includes("audio embeddings use 1.20 directions of 192"))).toHaveLength(1);
    expect(warned.notes[0]).toMatch(/^step 25: audio embeddings .* collapsed\)\. Lower optimizer\.learningRate/);
    const warnings = (await readEvents(warned.path)).filter(({ kind }) => kind === "warning");
    expect(warnings[0]).toMatchObject({ step: 25, sign: "rank" });

    const ended = await run({ prober: proberOf(ranks, 5), stopOnCollapse: true });
    expect(isKdcError(ended.error) && ended.error.reason).toBe("collapsed");
    expect(String(ended.error)).toContain("--stop-on-collapse ended it: audio embeddings use 1.20 directions");
    expect((await readEvents(ended.path)).at(-1)).toMatchObject({ kind: "end", state: "collapsed", step: 25 });
    // Its state is saved: without the option it goes on from there.
    const on = await run({ path: ended.path });
    expect(on.result).toEqual({ finished: true, steps: 50 });
    expect(on.learned).toBe(warned.learned);
  });

  it("say nothing of a model that only begins, and remember what they saw before a stop", async () => {
    const early = await run({ prober: proberOf(() => 1.2, 5), warmup: () => 45 });
    expect(early.notes).toEqual([]);
    const first = await run({ prober: proberOf(() => 1.2, 5), stopAt: 12 });
    expect(first.notes).toEqual([]);
    const second = await run({ path: first.path, prober: proberOf(() => 1.2, 5), stopAt: 17 });
    expect(second.notes[0]).toMatch(/^step 15: audio embeddings/);
  });
});
