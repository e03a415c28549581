import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, float32 } from "@kdc-mae/core";
import { initModel } from "@kdc-mae/model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { restoreState, saveState } from "../train/state-file.js";
import { configFor } from "./model-file.js";
import { readModel } from "./read-saved.js";
import { openRunFolder, readRunFolder, STATE_FILE } from "./run-folder.js";
import { saveModel } from "./save-model.js";

let folder = "";
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-old-runs-"));
});
afterAll(() => rm(folder, { recursive: true }));

const experiment = checkExperiment(
  { ...named.demo, model: { preset: "tiny", embedDim: 12, heads: 2, modalityDepth: 1 } },
  "test",
);
/** What was kept and never read, and is refused in a new experiment. */
const idle = { ...experiment, teacher: { momentum: 0.9 } };

describe("runs of before an idle teacher was refused", () => {
  it("go on once it is left out; what the state holds of it is passed over", async () => {
    expect(() => checkExperiment(idle, "old.json")).toThrow(/teacher: nothing looks at .* or leave it out/);
    const run = at("run");
    await openRunFolder(run, idle);
    const params = { w: float32([2], Float32Array.of(1, 2)) };
    await saveState(join(run, STATE_FILE), { params, teacher: params }, { step: 3 });
    expect((await readRunFolder(run)).experiment).toEqual(experiment);

    const { file } = await openRunFolder(run, experiment);
    expect(JSON.parse(await readFile(file("experiment.json"), "utf8"))).not.toHaveProperty("teacher");
    const own = { w: float32([2], new Float32Array(2)) };
    expect(await restoreState(join(run, STATE_FILE), { params: own })).toEqual({ step: 3 });
    expect(own.w.data).toEqual(params.w.data);
  });

  it("are still another run where a teacher was looked at", async () => {
    const objective = [
      ...experiment.objective,
      { term: "view-distillation", name: "taught", options: { target: "teacher" } },
    ];
    const taught = checkExperiment({ ...idle, objective }, "test");
    const run = at("taught");
    await openRunFolder(run, taught);
    await writeFile(join(run, "log.jsonl"), "");
    const { teacher: _, ...untaught } = taught;
    await expect(openRunFolder(run, untaught)).rejects.toThrow("another experiment: teacher is left out, and");
  });

  it("go on where what nothing read was something else", async () => {
    const contrast = at("contrast");
    await openRunFolder(contrast, {
      ...experiment,
      training: { ...experiment.training, accumulateContrast: "cached" },
    });
    await writeFile(join(contrast, "log.jsonl"), "");
    expect((await openRunFolder(contrast, experiment)).experiment).toEqual(experiment);

    const probe = at("probe");
    await openRunFolder(probe, { tune: "linear-probe", optimizer: { layerDecay: 0.75, epsilon: 1e-8 } });
    await writeFile(join(probe, "log.jsonl"), "");
    await openRunFolder(probe, { tune: "linear-probe", optimizer: { epsilon: 1e-8 } });
    await expect(openRunFolder(probe, { tune: "linear-probe", optimizer: { epsilon: 1e-6 } })).rejects.toThrow(
      "another experiment: optimizer.epsilon is 0.000001",
    );
    await rm(join(probe, "log.jsonl"));
    await openRunFolder(probe, { tune: "full", optimizer: { layerDecay: 0.75 } });
    await writeFile(join(probe, "log.jsonl"), "");
    await expect(openRunFolder(probe, { tune: "full", optimizer: {} })).rejects.toThrow("optimizer.layerDecay is");
  });

  it.each<[string, CheckedExperiment]>([
    ["an idle teacher", idle],
    ["adaptive views that nothing trained", { ...experiment, masking: { ...experiment.masking, kind: "adaptive" } }],
  ])("left models with %s, which are read", async (_, made) => {
    const config = configFor(made);
    const params = initModel(config, createRng(1));
    await saveModel(at("model.safetensors"), { config, params, statistics: { mean: 0, std: 1 }, experiment: made });
    const read = await readModel(at("model.safetensors"));
    expect(read.experiment).toEqual({ ...made, teacher: undefined });
  });
});
