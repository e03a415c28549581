import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRng, type FloatTensor, float32, treeLeaves } from "@kdc-mae/core";
import { compiled } from "@kdc-mae/engine/node";
import { expectOptions, type LossTerm, objective } from "@kdc-mae/losses";
import { batchViews } from "@kdc-mae/masking";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { maskerFor } from "../pretrain/masker.js";
import { pretrainSteps } from "../pretrain/pretrain.js";
import { configFor } from "../run/model-file.js";
import { openRunFolder, readRunFolder } from "../run/run-folder.js";
import { checkExperiment } from "./check.js";
import { loadExperiment } from "./load.js";
import { named } from "./named.js";

const example = fileURLToPath(new URL("../../../../../examples/swap-a-loss/experiment.ts", import.meta.url));
const small = {
  model: {
    visualLocality: null,
    embedDim: 12,
    heads: 3,
    modalityDepth: 1,
    decoderDim: 8,
    decoderHeads: 2,
    audio: { rows: 3, columns: 5, patch: 2, channels: 1 },
    visual: { rows: 3, columns: 3, patch: 2, channels: 3 },
  },
  training: { batch: 3, epochs: 2 },
};

const ownTerm: LossTerm = {
  name: "own",
  schema: z.strictObject({ floor: z.number().positive().default(2) }),
  needs: () => ({ views: 1 }),
  compute: () => {
    throw new Error("not computed here");
  },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-loss-term-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("a loss term from another package in an experiment file", () => {
  it("is trained with beside the built-in ones, and the run can be opened again", async () => {
    const experiment = await loadExperiment(example, [small]);
    const config = configFor(experiment);
    const rng = createRng(2);
    const normal = (shape: number[]): FloatTensor =>
      float32(
        shape,
        Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => rng.normal()),
      );
    const patches = { audio: normal([3, 15, 4]), visual: normal([3, 9, 12]) };
    const views = batchViews(Array.from({ length: 3 }, (_, clip) => maskerFor(experiment)!(config, rng.fork(clip))));
    const runFolder = await openRunFolder(join(folder, "run"), experiment);
    const { params } = await pretrainSteps({
      statistics: { mean: 0, std: 1 },
      experiment,
      config,
      source: {
        stepsPerEpoch: 1,
        batches: async function* () {
          yield { patches, views };
        },
      },
      execute: compiled({ device: "cpu", threads: 1 }),
      folder: runFolder,
    });
    const [before, after] = (await runFolder.readLog()).map(({ losses }) => losses);
    const own = before["variance-floor"];
    expect(own).toBeGreaterThan(0);
    const rest = before["reconstruction-audio"] + before["reconstruction-visual"] + before.contrastive;
    expect(before.total).toBeCloseTo(rest + 10 * before["view-distillation"] + 0.5 * own, 3);
    expect(after.total).toBeLessThan(before.total);
    for (const [, { data }] of treeLeaves<FloatTensor>(params)) expect(data.every(Number.isFinite)).toBe(true);

    await expect(openRunFolder(join(folder, "run"), await loadExperiment(example, [small]))).resolves.toBeDefined();
    const read = await readRunFolder(join(folder, "run"));
    expect(read.experiment.objective[4]).toEqual({ term: "variance-floor", weight: 0.5, options: { floor: 2 } });
  });

  it("must be a name or have a name, needs and compute", () => {
    const wrong = { ...named.demo, objective: [{ term: { name: "half a term", compute: () => undefined } }] };
    expect(() => checkExperiment(wrong, "file.ts")).toThrow(
      "objective.0.term: must be the name of a built-in term, or a LossTerm with name, needs and compute",
    );
  });

  it.each([
    ["of a built-in term", "reconstruction-visual", { normPixel: true }, 'there is no option "normPixel"'],
    ["of another type", "reconstruction-audio", { normPixels: "true" }, 'normPixels is "true". Use true or false'],
    ["that others leave unread", "view-distillation", { temperature: 2 }, "shift-and-sum has none: leave it out"],
    ["of a term with a schema of its own", ownTerm, { flor: 1 }, 'Unrecognized key: "flor"'],
  ])("refuses an option %s", (_, term, options, words) => {
    const check = () => checkExperiment({ ...named.demo, objective: [{ term, options }] }, "file.ts");
    expect(check).toThrow("experiment file.ts: objective.0.options: ");
    expect(check).toThrow(words);
  });

  it("takes options as a schema in zod reads them", () => {
    expect(expectOptions(ownTerm, {})).toEqual({ floor: 2 });
    expect(() => objective([{ term: ownTerm, options: { floor: -1 } }])).toThrow("own: floor: Too small");
  });
});
