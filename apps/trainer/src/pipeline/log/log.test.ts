import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { float32, isKdcError, KdcError } from "@kdc-mae/core";
import type { Probe } from "@kdc-mae/eval";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import { openRunFolder } from "../run/run-folder.js";
import type { Trainee } from "../train/trainee.js";
import { EVENTS, eventsFile, readEvents, undone } from "./events-file.js";
import type { Prober, RunWatch } from "./observe-run.js";
import { joinLoggers, type RunLogger, type RunRecord } from "./run-logger.js";
import { trainObserved } from "./train-observed.js";

let root = "";
let made = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-log-"));
});
afterAll(() => rm(root, { recursive: true }));

const same = (value: number) => ({ audio: value, visual: value, joint: value });
const probeOf = (rank: number): Probe => ({
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
async function run({ epochs = 2, perEpoch = 25, takes = 100, path = join(root, `run-${made++}`), ...rest }: Run) {
  const experiment = checkExperiment(
    { ...named.demo, schedule: { kind: "constant" }, training: { batch: 3, epochs, ...rest.training } },
    "log.test.ts",
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
const countless = { counters: () => ({}), restore: () => undefined };

const steps = (records: readonly RunRecord[]) => records.flatMap((record) => (record.kind === "steps" ? [record] : []));

describe("the run's own log", () => {
  it("sums ten updates up, and writes epochs and the end down", async () => {
    const { path } = await run({});
    const records = await readEvents(path);
    expect(records.map(({ kind, step }) => `${kind} ${step}`)).toEqual([
      ...["begin 0", "steps 10", "steps 20", "steps 25", "epoch 25"],
      ...["steps 30", "steps 40", "steps 50", "epoch 50", "end 50"],
    ]);
    expect(steps(records)[1]).toEqual({
      ...{ time: 1e12 + 2000, kind: "steps", step: 20, epoch: 0, losses: { total: 15.5, own: 31 } },
      gradientNorms: [1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2],
      ...{ learningRate: 0.001, waiting: 0, memory: 7e8 },
      // Ten updates of three clips in a second; thirty updates are left.
      ...{ clipsPerSecond: 30, secondsLeft: 3 },
    });
    expect(records.at(-1)).toMatchObject({ state: "finished" });
  });

  it("says in mixed precision what the loss was multiplied by, and how often that fell, stopped between or not", async () => {
    // It falls by one half in step 3, by two in step 12, and in the second epoch not at all.
    const halvings = new Map([
      [3, 1],
      [12, 2],
    ]);
    const lossScale = (step: number) => {
      const fallen = [...halvings].reduce((sum, [at, times]) => sum + (at <= step ? times : 0), 0);
      return { value: 2 ** (16 - fallen), halved: halvings.get(step) ?? 0 };
    };
    const { path, notes } = await run({ lossScale, stopAt: 7 });
    const later = await run({ lossScale, path });
    expect([...notes, ...later.notes]).toEqual([
      "step 3: gradients overflowed in half precision; the loss scale fell to 32768",
      "step 12: gradients overflowed in half precision; the loss scale fell to 8192",
    ]);
    const records = await readEvents(path);
    expect(records.flatMap((record) => (record.kind === "note" ? [record.text] : []))).toHaveLength(2);
    expect(steps(records).map(({ step, lossScale }) => [step, lossScale])).toEqual([
      ...[[7, 32768] as const],
      ...[10, 20, 25, 30, 40, 50].map((step) => [step, step < 12 ? 32768 : 8192] as const),
    ]);
    const entries = records.flatMap((record) => (record.kind === "epoch" ? [record.entry.lossScale] : []));
    expect(entries).toEqual([
      { value: 8192, halved: 3 },
      { value: 8192, halved: 0 },
    ]);
    const written = (await readFile(join(path, "log.jsonl"), "utf8")).trim().split("\n");
    expect(written.map((line) => JSON.parse(line).lossScale)).toEqual(entries);
  });

  it("writes down what slow updates do every half minute", async () => {
    const { path } = await run({ takes: 20_000, perEpoch: 5, epochs: 1 });
    expect(steps(await readEvents(path)).map(({ step }) => step)).toEqual([2, 4, 5]);
  });

  it("of a run that was stopped and goes on holds each step once, a line cut short or not", async () => {
    const { path, learned } = await run({ stopAt: 33 });
    expect((await readEvents(path)).at(-1)).toMatchObject({ kind: "end", state: "stopped", step: 33 });
    // Written after the last checkpoint, and made again.
    const lost = { time: 1, kind: "steps", step: 40, epoch: 1, losses: { total: -1 }, gradientNorms: [-1, -2] };
    await appendFile(join(path, EVENTS), `${JSON.stringify(lost)}\n{"time":2,"ki`);
    const again = await run({ path });
    const whole = await run({});
    expect(again.learned).toBeGreaterThan(learned);
    expect(again.learned).toBe(whole.learned);
    const numbers = (records: readonly RunRecord[]) => steps(records).flatMap(({ gradientNorms }) => gradientNorms);
    expect(numbers(await readEvents(path))).toEqual(numbers(await readEvents(whole.path)));
  });

  it("says where the run went back, and readers leave out what was undone", async () => {
    const at = (step: number, kind: "note" | "back" | "begin", text = "") =>
      ({ time: 1, step, kind, text }) as RunRecord;
    const records = [
      at(0, "begin"),
      at(3, "note", "a"),
      at(7, "note", "b"),
      at(5, "back"),
      at(6, "note", "c"),
      at(4, "begin"),
    ];
    expect(undone(records)).toEqual([at(0, "begin"), at(3, "note", "a"), at(4, "begin")]);
    const experiment = { rollback: { times: 1 }, checkpointSeconds: 1 };
    const { path, notes } = await run({ takes: 700, perEpoch: 10, epochs: 1, nanAt: 6, training: experiment });
    expect(notes[0]).toMatch(/^step 6: the loss is NaN; back to step 4/);
    const norms = steps(await readEvents(path)).flatMap(({ gradientNorms }) => gradientNorms);
    expect(norms).toEqual([0.1, 0.2, 0.3, 0.4, 0.7, 0.8, 0.9, 1]);
    expect(await readFile(join(path, EVENTS), "utf8")).toContain('"step":4,"kind":"back"');
  });
});

describe("loggers", () => {
  const collecting = (fails = false) => {
    const seen: string[] = [];
    const logger: RunLogger = {
      name: "a service",
      begin: ({ name, steps: all }) => void seen.push(`${name} ${all}`),
      log: ({ kind }) => {
        seen.push(kind);
        if (fails) throw new Error("no route to host");
      },
      close: () => void seen.push("closed"),
    };
    return { logger, seen };
  };

  it("are told everything; one that fails is told no more, and the run ends as without it", async () => {
    const [good, bad] = [collecting(), collecting(true)];
    const { result, notes, learned } = await run({ loggers: [bad.logger, good.logger] });
    expect(result).toEqual({ finished: true, steps: 50 });
    expect(learned).toBe((await run({})).learned);
    expect(good.seen).toEqual([
      ...["fake 50", "begin", "steps", "steps", "steps", "epoch", "steps", "steps", "steps", "epoch", "end", "closed"],
    ]);
    expect(bad.seen).toEqual(["fake 50", "begin"]);
    expect(notes).toEqual(["a service gets no more of this run, which goes on: no route to host"]);
  });

  it("a log that cannot be written ends no run", async () => {
    const notes: string[] = [];
    const all = joinLoggers([eventsFile(join(root, "nowhere"))], (note) => notes.push(note));
    await all.log({ time: 1, step: 1, kind: "note", text: "x" });
    expect(notes[0]).toContain("events.jsonl gets no more of this run, which goes on: ");
  });
});

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
      "log.test.ts",
    );
    const folder = await openRunFolder(join(root, `run-${made++}`), experiment);
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
