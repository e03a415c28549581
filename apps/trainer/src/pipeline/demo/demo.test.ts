import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { changes as tiny } from "../../calls.test.support.js";
import { runCommandLine } from "../../command-line.js";
import { reportOn } from "../evaluate/picture-report.js";
import { loadExperiment } from "../experiment/load.js";
import { demo } from "./demo.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder = "";
const at = (...names: string[]) => join(folder, ...names);
const changes = { ...tiny, training: { ...tiny.training, epochs: 3 } };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-demo-"));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

/** Seconds in the report on a page, by phase. */
const timesOn = (page: string) => [...page.matchAll(/^\| (media|pretrain|evaluate|total) \| (.*?) \|$/gm)];

it("a demo that went on counts the epochs before it was stopped; an evaluation says nothing of pretraining", async () => {
  const experiment = await loadExperiment("demo", [changes]);
  const stopper = new AbortController();
  let time = 0;
  // Two minutes each time the first run looks at its clock; the second takes no time at all.
  const first = await demo(experiment, {
    ...{ out: at("run"), media: at("media"), clock: () => (time += 120_000), signal: stopper.signal },
    onProgress: ({ stage, done }) => stage === "pretrain" && done >= 3 && stopper.abort(),
  });
  expect(first.input).toBeUndefined();
  const { input } = await demo(experiment, { out: at("run"), media: at("media"), clock: () => time });
  const lines = (await readFile(at("run", "log.jsonl"), "utf8")).trim().split("\n");
  const log = lines.map((line) => JSON.parse(line) as { seconds: number; waited?: number });
  expect(log).toHaveLength(3);
  const logged = log.reduce((sum, { seconds, waited = 0 }) => sum + seconds + waited, 0);
  expect(logged).toBeGreaterThan(100);
  expect(input?.seconds.pretrain).toBeCloseTo(logged, 6);
  expect(input?.seconds.total).toBeGreaterThanOrEqual(logged);
  expect(timesOn(await readFile(at("run", "report.md"), "utf8")).map(([, phase]) => phase)).toEqual(
    expect.arrayContaining(["pretrain", "total"]),
  );

  const evaluated = await reportOn(at("run", "model.safetensors"), { media: at("media"), out: at("evaluation") });
  expect(Object.keys(evaluated.input.seconds).sort()).toEqual(["evaluate", "media", "total"]);
  const page = await readFile(at("evaluation", "report.md"), "utf8");
  expect(timesOn(page).length).toBeGreaterThan(0);
  expect(timesOn(page).map(([, phase]) => phase)).not.toContain("pretrain");
  for (const name of ["report.html", "report.json"]) {
    expect(await readFile(at("evaluation", name), "utf8")).not.toMatch(/time, pretrain|"pretrain":\s*0/);
  }
});

it("a demo that is refused leaves the finished one before it as it was", async () => {
  const whole = at("whole");
  await mkdir(whole);
  for (const name of ["report.json", "experiment.json", "log.jsonl"]) await writeFile(join(whole, name), name);
  const refused = await loadExperiment("demo", [{ training: { batch: 1 } }]);
  await expect(demo(refused, { out: whole, media: at("media") })).rejects.toThrow("it would see 1 at a time");
  for (const name of ["report.json", "experiment.json", "log.jsonl"]) {
    expect(await readFile(join(whole, name), "utf8")).toBe(name);
  }
});

it("the report tells the command with what was changed", async () => {
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const set = Object.entries({ ...changes, "training.epochs": 1, seed: 0 }).flatMap(([key, value]) => [
    "--set",
    `${key}=${JSON.stringify(value)}`,
  ]);
  expect(await runCommandLine(["demo", "--out", at("set"), "--media", at("media"), ...set])).toBeUndefined();
  const report = await readFile(at("set", "report.md"), "utf8");
  const command = report.split("\n").find((line) => line.includes("kdc-mae demo"));
  expect(command).toContain("--set training.epochs=1");
  expect(command).toContain('"train":8');
});
