import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EVENTS, eventsFile, readEvents, undone } from "./events-file.js";
import { root, run } from "./observed-run.test.support.js";
import { joinLoggers, type RunLogger, type RunRecord } from "./run-logger.js";

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

  it("says what computed it, and where that changed", async () => {
    const { path, notes } = await run({ on: "WebGPU, a card (a driver), float32, no matrix units", stopAt: 7 });
    const same = await run({ on: "WebGPU, a card (a driver), float32, no matrix units", stopAt: 9, path });
    const other = await run({ on: "ONNX Runtime, cpu, float32", path });
    const text =
      "the run was computed on WebGPU, a card (a driver), float32, no matrix units, " +
      "and is from step 9 on computed on ONNX Runtime, cpu, float32";
    expect([...notes, ...same.notes, ...other.notes]).toEqual([text]);
    const records = await readEvents(path);
    expect(records.flatMap((record) => (record.kind === "begin" ? [[record.step, record.on]] : []))).toEqual([
      [0, "WebGPU, a card (a driver), float32, no matrix units"],
      [7, "WebGPU, a card (a driver), float32, no matrix units"],
      [9, "ONNX Runtime, cpu, float32"],
    ]);
    expect(records.flatMap((record) => (record.kind === "note" ? [[record.step, record.text]] : []))).toEqual([
      [9, text],
    ]);
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
    expect(records.flatMap((record) => (record.kind === "note" ? [record.step] : []))).toEqual([3, 12]);
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
    const kept = await readEvents(path);
    expect(kept.filter(({ kind }) => kind === "note")).toMatchObject([{ step: 4, text: notes[0] }]);
    const norms = steps(kept).flatMap(({ gradientNorms }) => gradientNorms);
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

  it("are told one thing after another, waited for or not", async () => {
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const seen: string[] = [];
    const slow: RunLogger = {
      ...{ name: "slow", begin: () => undefined, close: () => void seen.push("closed") },
      async log({ kind }) {
        if (kind === "note") await gate;
        seen.push(kind);
      },
    };
    const all = joinLoggers([slow]);
    const told = [
      all.log({ time: 1, step: 1, kind: "note", text: "x" }),
      all.log({ time: 1, step: 1, kind: "end", state: "finished" }),
      all.close(),
    ];
    open();
    await Promise.all(told);
    expect(seen).toEqual(["note", "end", "closed"]);
  });

  it("hear of what was said before the run began after they have heard of the run", async () => {
    const { logger, seen } = collecting();
    const { path } = await run({ stopAt: 3 });
    await run({ path, epochs: 3, loggers: [logger] });
    expect(seen.slice(0, 3)).toEqual(["fake 75", "begin", "note"]);
  });

  it("a log that cannot be written ends no run", async () => {
    const notes: string[] = [];
    const all = joinLoggers([eventsFile(join(root, "nowhere"))], (note) => notes.push(note));
    await all.log({ time: 1, step: 1, kind: "note", text: "x" });
    expect(notes[0]).toContain("events.jsonl gets no more of this run, which goes on: ");
  });
});
