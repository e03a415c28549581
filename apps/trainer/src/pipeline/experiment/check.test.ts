import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkExperiment } from "./check.js";
import { loadExperiment } from "./load.js";
import { named } from "./named.js";
import type { ExperimentFile } from "./schema.js";

const messageOf = (value: unknown): string => {
  try {
    checkExperiment(value, "file.ts");
  } catch (error) {
    return (error as Error).message;
  }
  return "no error";
};

describe("checkExperiment", () => {
  it.each(Object.keys(named))("takes %s", (name) => {
    expect(checkExperiment(named[name], name).name).toBe(name);
  });

  it("names an unknown key", () => {
    expect(messageOf({ ...named.demo, masking: { ...named.demo.masking, ratio: 0.5 } })).toBe(
      'experiment file.ts: masking has no "ratio". Correct this key in the experiment file or in --set',
    );
  });

  it("names the allowed values", () => {
    expect(messageOf({ ...named.demo, model: { preset: "huge" } })).toContain(
      'model.preset must be one of "tiny", "small", "base"',
    );
  });

  it("names every wrong key at once", () => {
    const message = messageOf({ ...named.demo, training: { batch: 0, epochs: 2.5 } });
    expect(message).toContain("training.batch");
    expect(message).toContain("training.epochs");
  });

  it("says which terms would miss what they look at, before anything is decoded", () => {
    const { objective, masking } = named.demo;
    const sampling = { term: "patch-sampling", weight: 1e-4 };
    expect(messageOf({ ...named.demo, masking: { ...masking, views: 1 } })).toContain(
      "view-distillation needs 2 views and masking.views is 1",
    );
    expect(messageOf({ ...named.demo, objective: [...objective, sampling] })).toContain(
      `objective.${objective.length}: patch-sampling trains the network that draws the views: set masking.kind to adaptive`,
    );
    const global = { term: "contrastive", name: "global", options: { tokens: "global" } };
    expect(messageOf({ ...named.demo, objective: [...objective, global] })).toContain(
      "contrastive looks at global tokens: set model.globalToken",
    );
  });

  it("says which terms a fixed teacher cannot serve, and that none looks at it", () => {
    const { objective, masking, model } = named.demo;
    const fixedTeacher = { model: "teacher.safetensors", sum: "a sum" };
    const taught = [...objective, { term: "teacher-cosine" }];
    expect(messageOf({ ...named.demo, fixedTeacher, objective: taught })).toBe("no error");
    expect(messageOf({ ...named.demo, fixedTeacher })).toContain(
      "fixedTeacher: no term looks at what it makes of clips",
    );
    const predicted = { model: { ...model, predictor: {} }, objective: [...taught, { term: "latent-prediction" }] };
    expect(messageOf({ ...named.demo, ...predicted })).toBe("no error");
    expect(messageOf({ ...named.demo, ...predicted, fixedTeacher })).toContain(
      `objective.${taught.length}: latent-prediction looks at what a moving-average teacher makes of every patch`,
    );
    const pointing = {
      model: { ...model, globalToken: true },
      masking: { ...masking, contrast: { audioRatio: 0.5, visualRatio: 0.5, by: "teacher" } },
      objective: [...taught, { term: "contrastive", name: "own", options: { path: "own" } }],
    };
    expect(messageOf({ ...named.demo, ...pointing })).toBe("no error");
    expect(messageOf({ ...named.demo, ...pointing, fixedTeacher })).toContain(
      "masking.contrast.by: a moving-average teacher points at patches, which fixedTeacher does not",
    );
  });

  it("refuses a moving-average teacher that nothing looks at", () => {
    const { objective, masking, model } = named.demo;
    const kept = { ...named.demo, teacher: { momentum: 0.9 } };
    expect(messageOf(kept)).toContain(
      'teacher: nothing looks at a moving-average teacher here: give the term "view-distillation" the target "teacher", or leave it out',
    );
    const distilled = { term: "view-distillation", name: "taught", options: { target: "teacher" } };
    expect(messageOf({ ...kept, objective: [...objective, distilled] })).toBe("no error");
    const predicted = { model: { ...model, predictor: {} }, objective: [...objective, { term: "latent-prediction" }] };
    expect(messageOf({ ...kept, ...predicted })).toBe("no error");
    const pointing = {
      model: { ...model, globalToken: true },
      masking: { ...masking, contrast: { audioRatio: 0.5, visualRatio: 0.5, by: "teacher" } },
      objective: [...objective, { term: "contrastive", name: "own", options: { path: "own" } }],
    };
    expect(messageOf({ ...kept, ...pointing })).toBe("no error");
    const byChance = { ...pointing, masking: { ...masking, contrast: { audioRatio: 0.5, visualRatio: 0.5 } } };
    expect(messageOf({ ...kept, ...byChance })).toContain("teacher: nothing looks at a moving-average teacher");
  });

  it("refuses views drawn by a network that no term trains", () => {
    const { objective, masking } = named.demo;
    const adaptive = { ...named.demo, masking: { ...masking, kind: "adaptive" } };
    expect(messageOf(adaptive)).toContain(
      'masking.kind: adaptive views are drawn by a network that no term trains: add { "term": "patch-sampling", "weight": 1e-4 }',
    );
    const sampling = { term: "patch-sampling", weight: 1e-4 };
    expect(messageOf({ ...adaptive, objective: [...objective, sampling] })).toBe("no error");
  });
});

describe("loadExperiment", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kdc-mae-experiment-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("lays changes over a named experiment", async () => {
    const experiment = await loadExperiment("demo", [{ masking: { views: 3 } }, { seed: 4 }]);
    expect(experiment.masking.views).toBe(3);
    expect(experiment.seed).toBe(4);
  });

  it("lays every key of a file beside its base over it, then its change", async () => {
    const path = join(folder, "based.json");
    const file: ExperimentFile = {
      ...{ base: "kdc-mae-base", name: "mine", seed: 7, teacher: { momentum: 0.9 } },
      objective: [{ term: "reconstruction-audio" }],
      change: { training: { batch: 8 }, schedule: { kind: "constant" }, teacher: null },
    };
    await writeFile(path, JSON.stringify(file));
    const { name, seed, objective, training, schedule, teacher, masking } = await loadExperiment(path);
    expect([name, seed, objective, training.batch, training.epochs]).toEqual([
      ...["mine", 7, [{ term: "reconstruction-audio" }], 8, 25],
    ]);
    expect([schedule, teacher, masking.views]).toEqual([{ kind: "constant" }, undefined, 2]);
  });

  it("names a key beside a base that no experiment has, and a change that is no record", async () => {
    const path = join(folder, "wrong.json");
    await writeFile(path, JSON.stringify({ base: "demo", sed: 7 }));
    await expect(loadExperiment(path)).rejects.toThrow('the experiment has no "sed"');
    await writeFile(path, JSON.stringify({ base: "demo", change: ["seed=7"] }));
    await expect(loadExperiment(path)).rejects.toThrow('change is ["seed=7"], not a record of keys. Write it as');
  });

  it("takes the example on real data", async () => {
    const file = fileURLToPath(new URL("../../../../../examples/spoken-names/experiment.json", import.meta.url));
    const { name, data, model } = await loadExperiment(file);
    expect([name, data.kind, model.visualLocality]).toEqual(["spoken-names", "manifest", undefined]);
  });

  it("refuses a key that would hide behind the prototype, in a file and in a change", async () => {
    const hidden = JSON.parse('{"masking": {"__proto__": {"views": 3}}}');
    await expect(loadExperiment("demo", [hidden])).rejects.toThrow('masking has no "__proto__"');
    const file = join(folder, "hidden.json");
    await writeFile(file, '{"base": "demo", "change": {"__proto__": {"seed": 7}}}');
    await expect(loadExperiment(file)).rejects.toThrow('the experiment has no "__proto__"');
  });

  it("says so when a base leads back to itself, at once or by another file", async () => {
    const [one, two, self] = ["one.json", "two.json", "self.json"].map((name) => join(folder, name));
    await writeFile(one, JSON.stringify({ base: two, change: {} }));
    await writeFile(two, JSON.stringify({ base: one, change: {} }));
    await writeFile(self, JSON.stringify({ base: self }));
    await expect(loadExperiment(one)).rejects.toThrow(`its base leads back to itself: ${one} → ${two} → ${one}`);
    await expect(loadExperiment(self)).rejects.toThrow(`its base leads back to itself: ${self} → ${self}`);
  });

  it("says what names there are", async () => {
    await expect(loadExperiment("nothing")).rejects.toThrow(
      /"nothing" is neither a named experiment nor a file. Use one of demo/,
    );
  });
});
