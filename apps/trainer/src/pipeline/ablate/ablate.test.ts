import { existsSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Execute } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { named } from "../experiment/named.js";
import { ablate } from "./ablate.js";
import { workOutArms } from "./arms.js";
import { checkAblation } from "./load.js";
import { planRuns } from "./plan.js";
import type { Ablation } from "./schema.js";
import { smallModel } from "./small-model.test.support.js";

const ablation: Ablation = {
  name: "small",
  base: {
    ...named.demo,
    data: { kind: "synthetic", train: 9, validation: 3, test: 5 },
    model: smallModel,
    visual: { framesPerClip: 2 },
    objective: [
      { term: "reconstruction-audio" },
      { term: "reconstruction-visual" },
      { term: "contrastive" },
      { term: "view-distillation", weight: 10 },
    ],
    training: { batch: 4, epochs: 2, checkpointSeconds: 1e-3 },
  },
  arms: [
    { name: "one-view", change: { masking: { views: 1 } }, keepTerms: ["reconstruction-*"] },
    { name: "two-views" },
    { name: "same-as-two-views", change: ["masking.views=2"] },
  ],
  comparisons: [{ title: "Both", arms: ["one-view", "two-views"] }],
};
const worked = (changed: Ablation = ablation) => {
  const checked = checkAblation(changed, "small.ts");
  return { ablation: checked, arms: workOutArms(checked, checked.base) };
};

const execute = compiled({ threads: 1 });
let folder = "";
const said: string[] = [];
const run = (
  out: string,
  options: { seeds?: number[]; execute?: Execute; signal?: AbortSignal; scored?: "validation" } = {},
) => {
  said.length = 0;
  return ablate({
    ...worked(),
    ...{
      seeds: options.seeds ?? [3, 4],
      out: join(folder, out),
      media: join(folder, "media"),
      engine: "test",
      settings: [],
    },
    execute: options.execute ?? execute,
    scored: options.scored,
    onNote: (line) => said.push(line.replace(/^ablate: /, "")),
    signal: options.signal ?? new AbortController().signal,
  });
};
/** Figures without what depends on the clock. */
const figures = (comparison: Awaited<ReturnType<typeof run>>["comparison"]) =>
  comparison.tables.map(({ rows, baselines }) => ({ baselines, rows: rows.map(({ cost, ...row }) => row) }));

/** What seed 3 gave: every figure of every arm to the last digit. */
const bySeed = (comparison: Awaited<ReturnType<typeof run>>["comparison"]) =>
  comparison.tables[0].rows.map(({ figures: all }) =>
    Object.values(all).map((figure) => figure.bySeed.filter(({ seed }) => seed === 3)),
  );

/** An executor whose `at`-th program run after `begun` fails, as a killed process would: nothing after it happens. */
const dying = (at: number, begun = () => true): Execute => {
  let steps = 0;
  return async (fn, example) => {
    const program = await execute(fn, example);
    return {
      ...program,
      run: async (...input: Parameters<typeof program.run>) => {
        if (begun()) steps++;
        if (steps === at) throw new Error("killed");
        return program.run(...input);
      },
    };
  };
};

let whole: Awaited<ReturnType<typeof run>>;
beforeAll(async () => {
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-ablate-"));
  whole = await run("whole");
}, 120_000);
afterAll(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

describe("ablate", () => {
  it("runs arm by seed, shares runs that are the same, and fills the table for all four tasks", async () => {
    expect(whole.finished).toBe(true);
    expect(said[0]).toBe("4 runs: 0 finished, 0 begun, 4 to begin");
    expect(said.filter((line) => line.startsWith("run "))).toHaveLength(4);
    expect(said.at(-1)).toMatch(/^run 4 of 4: two-views = same-as-two-views, seed 4, about \d+ s left$/);
    const [{ rows, baselines }] = whole.comparison.tables;
    const keys = ["r1-audioToVisual", "r1-visualToAudio", "probe-audio", "probe-visual", "probe-joint"];
    keys.push("inpainting-audio", "inpainting-visual", "localization-ciou50", "localization-auc");
    expect(Object.keys(rows[1].figures)).toEqual(keys);
    expect(Object.keys(baselines)).toEqual(keys);
    for (const figure of Object.values(rows[1].figures)) {
      expect(figure).toMatchObject({ n: 2, difference: { unit: "clips", overSeeds: { n: 2, smallestP: 0.5 } } });
      const mean = figure.difference?.overClips?.mean ?? Number.NaN;
      expect(mean).toBeCloseTo(figure.difference?.overSeeds.mean ?? Number.NaN, 6);
    }
    expect(rows.map(({ cost }) => [cost?.steps, cost?.clipViews])).toEqual([
      [4, 16],
      [4, 32],
    ]);
    expect(rows[1].cost?.flop).toBe(2 * (rows[0].cost?.flop ?? 0));
    expect(whole.comparison.figures.map(({ evaluated }) => evaluated)).toEqual(keys.map(() => 5));
    const files = ["runs", "table.csv", "table.html", "table.json", "table.md"];
    expect((await readdir(join(folder, "whole"))).sort()).toEqual(files);
  });

  it("scores validation clips when asked, in runs and tables of their own", async () => {
    const { comparison } = await run("choosing", { seeds: [3], scored: "validation" });
    expect(new Set(comparison.figures.map(({ evaluated }) => evaluated))).toEqual(new Set([3]));
    expect(new Set(whole.comparison.figures.map(({ evaluated }) => evaluated))).toEqual(new Set([5]));
    expect(comparison.notes?.join()).toContain("Figures are of validation clips");
    expect(existsSync(join(folder, "choosing", "runs"))).toBe(false);
    expect(await readdir(join(folder, "choosing", "runs-on-validation"))).toHaveLength(2);
    // The two tables stand side by side.
    const text = (...names: string[]) => readFile(join(folder, "choosing", ...names, "table.md"), "utf8");
    const chosen = await text("on-validation");
    expect(chosen).toContain("Figures are of validation clips");
    expect(existsSync(join(folder, "choosing", "table.md"))).toBe(false);
    // What is finished on validation clips is begun again on the test clips.
    expect((await run("choosing", { seeds: [3] })).finished).toBe(true);
    expect(said[0]).toBe("2 runs: 0 finished, 0 begun, 2 to begin");
    expect(await text("on-validation")).toBe(chosen);
    expect(await text()).not.toContain("Figures are of validation clips");
  }, 300_000);

  it("changes with the seed what is learned and not the clips", async () => {
    const [one, other] = await Promise.all(
      [3, 4].map(async (seed) => {
        const names = await readdir(join(folder, "whole", "runs"));
        const path = join(folder, "whole", "runs", names.find((name) => name.includes(`two-views-seed-${seed}`)) ?? "");
        return JSON.parse(await readFile(join(path, "outcome.json"), "utf8"));
      }),
    );
    const mse = "inpainting-audio";
    expect(Object.keys(one.run.figures[mse].clips)).toEqual(Object.keys(other.run.figures[mse].clips));
    expect(one.run.figures[mse].value).not.toBe(other.run.figures[mse].value);
    expect(existsSync(join(folder, "media", "set.json"))).toBe(true);
  });

  it("goes on after a kill inside the first run and one inside the second, and ends with the same figures", async () => {
    const seeds = [3];
    await expect(run("killed", { seeds, execute: dying(3) })).rejects.toThrow("killed");
    const firstIsFinished = () => existsSync(join(folder, "killed", "table.md"));
    await expect(run("killed", { seeds, execute: dying(3, firstIsFinished) })).rejects.toThrow("killed");
    expect(said[0]).toBe("2 runs: 0 finished, 1 begun, 1 to begin");
    const again = await run("killed", { seeds });
    expect(said[0]).toBe("2 runs: 1 finished, 1 begun, 0 to begin");
    expect(bySeed(again.comparison)).toEqual(bySeed(whole.comparison));
  });

  it("stops between runs when asked to, with a table of what is finished, and goes on", async () => {
    const controller = new AbortController();
    const seeds = [3];
    const { finished, comparison } = await run("stopped", {
      seeds,
      signal: controller.signal,
      execute: async (fn, example) => {
        // The second run's programs are made only after the first is finished.
        if (existsSync(join(folder, "stopped", "table.md"))) controller.abort();
        return execute(fn, example);
      },
    });
    expect(finished).toBe(false);
    expect(comparison.missing).toBe(2);
    expect(await readFile(join(folder, "stopped", "table.md"), "utf8")).toContain("2 runs are not finished");
    const again = await run("stopped", { seeds });
    expect(bySeed(again.comparison)).toEqual(bySeed(whole.comparison));
  });

  it("only writes tables when everything is finished", async () => {
    const refusing: Execute = () => Promise.reject(new Error("nothing should run"));
    const again = await run("whole", { execute: refusing });
    expect(said).toEqual(["4 runs: 4 finished, 0 begun, 0 to begin"]);
    expect(figures(again.comparison)).toEqual(figures(whole.comparison));
  });

  it("evaluates a run again, without training it again, whose outcome was deleted", async () => {
    await cp(join(folder, "whole"), join(folder, "once-more"), { recursive: true });
    const runs = join(folder, "once-more", "runs");
    const names = (await readdir(runs)).filter((name) => name.includes("seed-3"));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) await rm(join(runs, name, "outcome.json"));
    const logs = () => Promise.all(names.map((name) => readFile(join(runs, name, "log.jsonl"), "utf8")));
    const before = await logs();
    const again = await run("once-more");
    expect(await logs()).toEqual(before);
    expect(bySeed(again.comparison)).toEqual(bySeed(whole.comparison));
    expect(again.comparison.tables[0].rows.map(({ cost }) => cost?.steps)).toEqual([4, 4]);
  });

  it("keeps runs of an arm that is renamed, and says which no longer fit one that is changed", async () => {
    await cp(join(folder, "whole"), join(folder, "changed"), { recursive: true });
    const [one, two, same] = ablation.arms;
    const { arms } = worked({
      ...ablation,
      arms: [{ ...one, name: "single" }, { ...two, change: ["optimizer.learningRate=0.5"] }, same],
      comparisons: undefined,
    });
    const { runs, strays } = await planRuns(arms.arms, [3], join(folder, "changed", "runs"));
    expect(runs.map(({ arms: names, state }) => [...names, state])).toEqual([
      ["single", "finished"],
      ["two-views", "new"],
      ["same-as-two-views", "finished"],
    ]);
    expect(strays.map(({ folder: name, why }) => [name.slice(0, -11), why]).sort()).toEqual([
      ["one-view-seed-4", "the ablation has no such arm and seed"],
      ["two-views-seed-4", "the ablation has no such arm and seed"],
    ]);
    const other = worked({ ...ablation, arms: [one, { ...two, change: ["optimizer.learningRate=0.5"] }] });
    const changed = await planRuns(other.arms.arms, [3, 4], join(folder, "changed", "runs"));
    expect(changed.strays.map(({ why }) => why)).toEqual(Array(2).fill("optimizer.learningRate changed"));
  });
});
