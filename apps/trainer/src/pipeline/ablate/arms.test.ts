import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { named } from "../experiment/named.js";
import { flopPerClip } from "../pretrain/flop-per-clip.js";
import { aboutArm, workOutArms } from "./arms.js";
import { flopOfRun } from "./budget.js";
import { checkAblation, loadAblation } from "./load.js";
import { namedAblations } from "./named.js";
import type { Ablation } from "./schema.js";

const objective = [
  { term: "reconstruction-audio" },
  { term: "reconstruction-visual", weight: 2 },
  { term: "contrastive", name: "contrastive-joint", weight: 0.5 },
  { term: "view-distillation", weight: 10 },
];
const base = { ...named.demo, objective, training: { batch: 32, epochs: 10 } };
const plain: Ablation = { name: "two", base, arms: [{ name: "a" }, { name: "b", change: { masking: { views: 3 } } }] };
const oneView = { masking: { views: 1 } };
const withArm = (arm: Ablation["arms"][number]): Ablation => ({ ...plain, arms: [{ name: "a" }, arm] });
const arms = (ablation: Ablation) => workOutArms(checkAblation(ablation, "file.ts"), ablation.base);
const objectiveOf = (ablation: Ablation) => arms(ablation).arms[1].experiment.objective.map(({ term }) => term);

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-ablation-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("checkAblation", () => {
  it.each<[string, unknown, string]>([
    ["an unknown key", { ...plain, arm: [] }, 'the ablation has no "arm"'],
    ["an unknown key of an arm", withArm({ name: "b", set: {} } as never), 'arms.1 has no "set"'],
    ["a single arm", { ...plain, arms: [{ name: "a" }] }, "arms: "],
    ["a change that assigns nothing", withArm({ name: "b", change: ["views"] }), "masking.views=1"],
    ["a name twice", withArm({ name: "a" }), 'two arms are called "a". Give one of them another name'],
    [
      "a table of an arm that is not there",
      { ...plain, comparisons: [{ title: "T", arms: ["a", "c"] }] },
      '"T" compares the arm "c", which is not there. Use a, b',
    ],
    ["no base", { ...plain, base: 7 }, "base: must be the name of an experiment, a file, or an experiment"],
  ])("refuses %s with words", (_, value, message) => {
    expect(() => checkAblation(value, "file.ts")).toThrow(message);
  });
});

describe("workOutArms", () => {
  it("keeps terms by name and beginning, weights and options with them, and adds others", () => {
    expect(objectiveOf(withArm({ name: "b", keepTerms: ["reconstruction-*"], change: oneView }))).toEqual([
      "reconstruction-audio",
      "reconstruction-visual",
    ]);
    const own = { name: "mine", needs: () => ({ views: 1 }), compute: () => undefined as never };
    const { experiment } = arms(
      withArm({ name: "b", keepTerms: ["contrastive*"], addTerms: [{ term: own, weight: 3 }], change: oneView }),
    ).arms[1];
    expect(JSON.parse(JSON.stringify(experiment.objective))).toEqual([
      { term: "contrastive", name: "contrastive-joint", weight: 0.5 },
      { term: "mine", weight: 3 },
    ]);
  });

  it("takes changes as a tree and as assignments alike", () => {
    const [tree, list] = [{ masking: { views: 3 } }, ["masking.views=3"]].map(
      (change) => arms(withArm({ name: "b", change })).arms[1].experiment,
    );
    expect(list).toEqual(tree);
    expect(tree.masking.views).toBe(3);
  });

  it("gives an arm of equal compute the epochs that cost the same", () => {
    const spec = (equalCompute: true | string): Ablation => ({
      ...plain,
      arms: [...plain.arms, { name: "c", keepTerms: ["reconstruction-*"], change: oneView, equalCompute }],
    });
    const epochs = (equalCompute: true | string) => arms(spec(equalCompute)).arms[2].experiment.training.epochs;
    // One view costs half of the base's two and a third of b's three.
    expect(epochs(true)).toBe(20);
    expect(epochs("largest")).toBe(30);
    expect(epochs("b")).toBe(30);
    const worked = arms(spec(true));
    expect(flopOfRun(worked.arms[2].experiment)).toBe(flopOfRun(worked.base));
    expect(() => epochs("c")).toThrow(
      'equalCompute is "c". Use true (the base), "largest", or an arm with epochs of its own: a, b',
    );
  });

  it("counts the teacher's forward, and moves a schedule's milestones along", () => {
    const term = { term: "view-distillation", name: "taught", options: { target: "teacher" } };
    const taught = arms(withArm({ name: "b", addTerms: [term] }));
    expect(flopPerClip(taught.arms[1].experiment)).toBeGreaterThan(flopPerClip(taught.base));
    expect(() => arms(withArm({ name: "b", change: { teacher: { momentum: 0.9 } } }))).toThrow(
      "nothing looks at a moving-average teacher here",
    );
    const stepped = arms({
      ...withArm({ name: "b", keepTerms: ["reconstruction-*"], change: oneView, equalCompute: true }),
      change: { schedule: null, optimizer: { kind: "adam" } },
    });
    expect(stepped.arms[1].experiment.schedule).toEqual({ kind: "constant" });
    const multi = { ...base, schedule: { kind: "multi-step" as const, from: 4, every: 2, factor: 0.5 } };
    const moved = arms({
      ...withArm({ name: "b", keepTerms: ["reconstruction-*"], change: oneView, equalCompute: true }),
      base: multi,
    });
    expect(moved.arms[1].experiment.schedule).toMatchObject({ from: 8, every: 4 });
  });

  it("says in words what an arm is", () => {
    const { base: from, arms: worked } = arms(
      withArm({ name: "b", about: "AV-MAE", keepTerms: ["reconstruction-*"], change: oneView }),
    );
    expect(worked.map((arm) => aboutArm(arm, from))).toEqual([
      "the base as it is",
      "AV-MAE: masking.views 1; 1 × reconstruction-audio + 2 × reconstruction-visual",
    ]);
  });

  it.each<[string, Ablation["arms"][number], string]>([
    [
      "a pattern that keeps nothing",
      { name: "b", keepTerms: ["distil*"] },
      'ablation two, arm b: keepTerms "distil*" takes none of the objective\'s terms. They are reconstruction-audio,',
    ],
    [
      "fewer views than the objective needs",
      { name: "b", change: oneView },
      "ablation two, arm b: view-distillation needs 2 views and masking.views is 1. Leave out such a term",
    ],
    [
      "other clips",
      { name: "b", change: ["data.train=5"] },
      "it changes data, and arms are compared on the same clips",
    ],
    ["a seed of its own", { name: "b", change: { seed: 3 } }, "it changes seed, and seeds are the ablation's"],
    ["a wrong key", { name: "b", change: { masking: { view: 1 } } }, 'two, arm b: masking has no "view"'],
    ["an unknown term", { name: "b", addTerms: [{ term: "contrast" }] }, 'the loss term "contrast" is not known'],
    [
      "a batch in pieces that do not come to it",
      { name: "b", change: ["training.microBatch=5"] },
      "arm b: training: training.microBatch is 5, which does not divide training.batch",
    ],
    [
      "what accumulated batches see, where none are",
      { name: "b", change: ["training.accumulateContrast=cached"] },
      "arm b: training.accumulateContrast: training.accumulate is 1: there are no accumulated batches",
    ],
    [
      "terms of which none counts",
      { name: "b", change: { objective: [{ term: "reconstruction-audio", weight: 0 }] } },
      "arm b: objective: every term has weight 0, so nothing would be learned",
    ],
    [
      "views that cannot be dealt",
      { name: "b", change: { masking: { views: 3, audioRatio: 0.5 } } },
      "arm b: masking: 3 disjoint views of",
    ],
    [
      "views of the contrast that show nothing",
      {
        name: "b",
        change: { masking: { contrast: { audioRatio: 0.999, visualRatio: 0.5 } } },
        addTerms: [{ term: "contrastive", name: "own", options: { path: "own" } }],
      },
      "arm b: randomViews: a mask ratio of 0.999 over",
    ],
    [
      "a contrast of one clip",
      { name: "b", change: ["training.batch=1", "training.accumulate=4"] },
      "arm b: training.batch: the objective has a term that compares clips with one another, and it would see 1 at a time",
    ],
    [
      "two teachers",
      {
        name: "b",
        change: { teacher: { momentum: 0.9 }, fixedTeacher: { model: "x", sum: "y" } },
        addTerms: [{ term: "teacher-cosine" }],
      },
      "arm b: a run has one teacher",
    ],
    [
      "a look at the clips that are trained on",
      { name: "b", change: { training: { probes: { split: "train" } } } },
      'arm b: training.probes: split is "train", which is trained on',
    ],
    ["sizes no model has", { name: "b", change: { model: { heads: 7 } } }, "does not divide into 7 heads"],
  ])("refuses %s before anything runs", (_, arm, message) => {
    expect(() => arms(withArm(arm))).toThrow(message);
  });
});

describe("loadAblation", () => {
  it.each(Object.keys(namedAblations))("takes %s, whose arms can all be trained", async (name) => {
    const { ablation, base: raw } = await loadAblation(name);
    const { base: from, arms: worked } = workOutArms(ablation, raw);
    const flop = Object.fromEntries(worked.map(({ spec, experiment }) => [spec.name, flopOfRun(experiment)]));
    expect(flop["av-mae-long"]).toBe(flop["kdc-mae-complementary"]);
    expect(flop["cav-mae"]).toBe(flopOfRun(from) / 2);
    expect(from.data).toMatchObject(named.demo.data);
  });

  it("reads a module with a loss term of its own, and a base that lies beside it", async () => {
    await writeFile(join(folder, "base.json"), JSON.stringify({ base: "demo", change: { objective } }));
    await writeFile(
      join(folder, "own.ts"),
      `const own = { name: "own", needs: () => ({ views: 1 }), compute: () => undefined };
       export default { name: "own", base: "base.json", arms: [{ name: "a" }, { name: "b", addTerms: [{ term: own }] }] };`,
    );
    const { ablation, base: raw } = await loadAblation(join(folder, "own.ts"));
    const { arms: worked } = workOutArms(ablation, raw);
    expect(worked.map(({ experiment }) => experiment.objective.length)).toEqual([4, 5]);
  });

  it("reads the example with a loss term from another package", async () => {
    const file = fileURLToPath(new URL("../../../../../examples/swap-a-loss/swap-a-loss.ts", import.meta.url));
    const { ablation, base: raw } = await loadAblation(file);
    expect(workOutArms(ablation, raw).arms.map(({ experiment }) => experiment.objective.length)).toEqual([3, 3, 3]);
  });

  it("says what there is", async () => {
    await expect(loadAblation("nothing")).rejects.toThrow(
      '"nothing" is neither a named ablation nor a file. Use ablation-objectives, or the path of',
    );
    await writeFile(join(folder, "broken.json"), "{");
    await expect(loadAblation(join(folder, "broken.json"))).rejects.toThrow(
      "Correct the file; it must export the ablation",
    );
  });
});
