import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng } from "@kdc-mae/core";
import { countParameters, initModel, parameterCount, pruneEncoder } from "@kdc-mae/model";
import { afterAll, beforeAll, expect, it } from "vitest";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import { configFor } from "../run/model-file.js";
import { saveModel } from "../run/save-model.js";
import { comparisonRows } from "./compare-models.js";
import { studentExperiment } from "./distill.js";

const statistics = { mean: -6, std: 4 };
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-sizes-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("the page of measurements says the sizes of the demo's model and of smaller ones", async () => {
  const page = await readFile(new URL("../../../../../docs/measurements/small-models.md", import.meta.url), "utf8");
  const said = checkExperiment(named.demo, "demo");
  const whole = configFor(said);
  const made = initModel(whole, createRng(1));
  const file = join(folder, "model.safetensors");
  await saveModel(file, { config: whole, params: made, statistics, experiment: said });
  const student = await studentExperiment(file, { out: "" });
  const own = configFor(student);
  const smaller = [0.25, 0.5, 0.75].map((share) => pruneEncoder(whole, made.encoder, { heads: share, units: share }));
  const all = [
    { name: "whole", config: whole, params: made, experiment: said },
    { name: "student", config: own, params: initModel(own, createRng(1)), experiment: student },
    ...smaller.map(({ config, encoder }, index) => ({
      ...{ name: `pruned ${(index + 1) / 4}`, config, params: { ...made, encoder } },
      experiment: checkExperiment({ ...said, model: { ...said.model, pruned: config.pruned } }, "pruned"),
    })),
  ];
  const compared = [];
  for (const { name, params, ...model } of all) {
    await saveModel(file, { ...model, params, statistics });
    const sizes = { encoder: countParameters(params.encoder), parameters: countParameters(params) };
    compared.push({ name, file, ...sizes, bytes: (await stat(file)).size, milliseconds: 1, figures: [] });
  }
  expect(parameterCount(whole)).toEqual({ all: compared[0].parameters, encoder: compared[0].encoder });
  const [[, ...names], encoders, numbers, files] = comparisonRows(compared);
  for (const row of [names, encoders, numbers, files]) expect(page).toContain(`| ${row.join(" | ")} |`);
  // The table of what they keep has the same models, a quarter and a half before and after training on.
  for (const [, first, taught, quarter, half] of [encoders, files]) {
    expect(page).toContain(`| ${[first, taught, quarter, quarter, half, half].join(" | ")} |`);
  }
});
