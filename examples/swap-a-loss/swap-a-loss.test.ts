import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRng } from "@kdc-mae/core";
import { compiled } from "@kdc-mae/engine/node";
import { comparisonMarkdown } from "@kdc-mae/eval/report";
import { entry, kdcMae, objective } from "@kdc-mae/losses";
import { checkLossTerm, exampleEvidence } from "@kdc-mae/losses/testing";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { ablate } from "../../apps/trainer/src/pipeline/ablate/ablate.js";
import { workOutArms } from "../../apps/trainer/src/pipeline/ablate/arms.js";
import { loadAblation } from "../../apps/trainer/src/pipeline/ablate/load.js";
import { parseChange } from "../../apps/trainer/src/pipeline/experiment/change.js";
import { varianceFloor } from "./swap-a-loss.js";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("a loss term from another package", () => {
  it("passes the suite that the built-in terms pass", () => {
    expect(checkLossTerm(varianceFloor, { options: { floor: 2 } })).toEqual([]);
  });

  it("stands in an objective beside them", () => {
    const made = objective([...kdcMae, entry({ term: varianceFloor, weight: 0.5, options: { floor: 2 } })]);
    const report = made.compute(exampleEvidence(createRng(1)));
    const published = objective(kdcMae).compute(exampleEvidence(createRng(1)));
    const [mine] = report.terms["variance-floor"].dataSync();
    expect(mine).toBeGreaterThan(0);
    expect(report.total.dataSync()[0]).toBeCloseTo(published.total.dataSync()[0] + 0.5 * mine, 4);
  });

  it("is largest when all clips look alike, and 0 when they are far apart", () => {
    const { views, ...rest } = exampleEvidence(createRng(2), { views: 1 });
    const scaled = (by: number) => {
      const [view] = views;
      const joint = tf.mul<tf.Tensor3D>(view.encoded.joint, by);
      return varianceFloor
        .compute({ ...rest, views: [{ ...view, encoded: { ...view.encoded, joint } }] })
        .dataSync()[0];
    };
    expect(scaled(0)).toBeCloseTo(1 - Math.sqrt(1e-4), 5);
    expect(scaled(1000)).toBe(0);
  });

  it("refuses a floor of 0 when the objective is made", () => {
    expect(() => objective([entry({ term: varianceFloor, options: { floor: 0 } })])).toThrow(
      "variance-floor: the floor is 0. Use a number above 0, such as 1",
    );
  });
});

describe("the ablation", () => {
  it("ends in a table with all three arms", async () => {
    const out = await mkdtemp(join(tmpdir(), "kdc-swap-"));
    const { ablation, base } = await loadAblation(fileURLToPath(new URL("swap-a-loss.ts", import.meta.url)));
    // Small enough for a test; what is trained, evaluated and compared stays.
    const small = ["data.train=16", "data.validation=8", "data.test=16", "training.batch=8", "training.epochs=1"];
    const arms = workOutArms(ablation, base, small.map(parseChange));
    const { comparison, finished } = await ablate({
      ...{ ablation, arms, seeds: [0], out, media: join(out, "media") },
      ...{ execute: compiled({ threads: 1 }), engine: "compiled", settings: [] },
    });
    await rm(out, { recursive: true });
    expect(finished).toBe(true);
    const table = comparisonMarkdown(comparison);
    for (const arm of ["distillation", "contrast", "variance-floor"])
      expect(table).toMatch(new RegExp(`\\| ${arm} .*\\d`));
  }, 240_000);
});
