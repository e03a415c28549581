import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng } from "@kdc-mae/core";
import type { Execute } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { initModel } from "@kdc-mae/model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import { readEvents } from "../log/events-file.js";
import { pretrain } from "../pretrain/from-experiment.js";
import { configFor } from "../run/model-file.js";
import { readModel } from "../run/read-saved.js";
import { saveModel } from "../run/save-model.js";
import { encoderSum } from "../train/encoder-sum.js";
import { ablate } from "./ablate.js";
import { workOutArms } from "./arms.js";
import { checkAblation } from "./load.js";
import { smallModel } from "./small-model.test.support.js";

const untaught = {
  ...named.demo,
  data: { kind: "synthetic", train: 5, validation: 2, test: 3 },
  model: smallModel,
  objective: [{ term: "reconstruction-audio" }, { term: "reconstruction-visual" }],
  training: { batch: 2, epochs: 2 },
} as const;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-taught-arms-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("an arm with a fixed teacher", () => {
  const execute = compiled({ threads: 1 });
  const losses = async (path: string) =>
    (await readFile(join(path, "log.jsonl"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).losses);
  const ablationOf = (teacher: string, sum: string) => {
    const change = {
      objective: [
        { term: "reconstruction-audio" },
        { term: "reconstruction-visual" },
        { term: "teacher-cosine", weight: 10 },
      ],
      fixedTeacher: { model: teacher, sum },
      // A batch in two pieces, as `pretrain` computes it, and looked at on the way.
      training: { reproducible: true, microBatch: 1, probes: { every: 1, pictures: 0 } },
    };
    const checked = checkAblation(
      { name: "taught", base: untaught, arms: [{ name: "untaught" }, { name: "taught", change }] },
      "taught.ts",
    );
    return { ablation: checked, arms: workOutArms(checked, checked.base) };
  };
  const run = (worked: ReturnType<typeof ablationOf>, out: string, with_: Execute = execute) =>
    ablate({
      ...worked,
      ...{
        seeds: [worked.arms.base.seed],
        out: join(folder, out),
        media: join(folder, "media"),
        engine: "test",
        settings: [],
      },
      ...{ execute: with_, signal: new AbortController().signal },
    });

  it("learns from it as the same experiment does by itself, and is refused another model before anything is trained", async () => {
    const experiment = checkExperiment(untaught, "untaught");
    const config = configFor(experiment);
    const params = initModel(config, createRng("teacher"));
    const teacher = join(folder, "teacher.safetensors");
    await saveModel(teacher, { config, params, statistics: { mean: 0, std: 1 }, experiment });
    const sum = encoderSum(params.encoder);

    const worked = ablationOf(teacher, sum);
    const { finished, comparison } = await run(worked, "ablation");
    expect(finished).toBe(true);
    expect(comparison.missing ?? 0).toBe(0);
    const [, arm] = worked.arms.arms;
    const own = join(folder, "own");
    await pretrain(arm.experiment, {
      ...{ out: own, execute, media: join(folder, "media") },
    });
    const of = (await losses(own)) as Record<string, number>[];
    expect(of.map((epoch) => epoch["teacher-cosine"] > 0)).toEqual([true, true]);
    const name = (await readdir(join(folder, "ablation", "runs"))).find((one) => one.startsWith("taught")) ?? "";
    const armed = join(folder, "ablation", "runs", name);
    expect(await losses(armed)).toEqual(of);
    const model = async (path: string) => (await readModel(join(path, "model.safetensors"))).params;
    expect(await model(armed)).toEqual(await model(own));
    const looks = async (path: string) =>
      (await readEvents(path)).flatMap((record) => (record.kind === "probe" ? [record.probe] : []));
    expect(await looks(armed)).toEqual(await looks(own));
    expect(await looks(own)).not.toEqual([]);

    const refusing: Execute = () => Promise.reject(new Error("nothing should run"));
    await expect(run(ablationOf(teacher, "another"), "refused", refusing)).rejects.toThrow("it is not the model that");

    // What is trained and lacks its figures alone needs no teacher any more.
    await rm(teacher);
    await rm(join(folder, "ablation", "runs", name, "outcome.json"));
    expect((await run(worked, "ablation")).finished).toBe(true);
  }, 300_000);
});
