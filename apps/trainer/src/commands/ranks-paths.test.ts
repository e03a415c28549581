import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { locateFfmpeg, makeSet } from "@kdc-mae/data/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canStart, run } from "./ranks.test.support.js";

let folder = "";
const of = (name: string) => join(folder, name);

const shared = {
  name: "paths",
  model: {
    ...{ preset: "tiny", embedDim: 16, heads: 2, modalityDepth: 1, decoderDim: 16, decoderHeads: 2 },
    ...{ globalToken: true, registers: 1, contrastHeads: 1, predictor: { dim: 16, heads: 2, depth: 1 } },
  },
  visual: { window: 1.12 },
  optimizer: { learningRate: 1e-3, clipNorm: 1 },
  training: { batch: 8, epochs: 2, reproducible: true },
} as const;
const rebuilt = [{ term: "reconstruction-audio" }, { term: "reconstruction-visual" }, { term: "latent-prediction" }];
const own = { term: "contrastive", options: { path: "own", tokens: "both" } };
const hidden = { views: 2, audioRatio: 0.75, visualRatio: 0.75 };
const half = { audioRatio: 0.5, visualRatio: 0.5 };

/** What draws views, or looks at them, beside the usual path: each must be the same on every rank. */
const paths = {
  "own views that a moving-average teacher points at, global tokens, latent prediction, windows": {
    masking: { kind: "complementary", ...hidden, contrast: { by: "teacher", ...half } },
    objective: [...rebuilt, own],
    teacher: { momentum: 0.9 },
  },
  "adaptive views, own views by chance, global tokens, latent prediction, windows": {
    masking: { kind: "adaptive", ...hidden, contrast: half },
    objective: [...rebuilt, own, { term: "patch-sampling", weight: 0.1 }],
  },
};

describe.skipIf(!canStart)("paths beside the usual one under mpirun", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kdc-mae-ranks-paths-"));
    const { path: ffmpeg } = await locateFfmpeg({ env: process.env });
    const counts = { train: 16, validation: 1, test: 1 };
    await makeSet({ directory: of("media"), ffmpeg, counts, seed: 7, workers: 2, options: { size: 64 } });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(Object.entries(paths))("%s: two ranks end with one's bits", async (_, path) => {
    const data = { kind: "manifest", path: of("media/manifest.jsonl") };
    await writeFile(of("experiment.json"), JSON.stringify({ ...shared, data, ...path }));
    const outcome = async (ranks: number) => {
      const out = of(`out-${path.masking.kind}-${ranks}`);
      const { code, output } = await run(ranks, ["pretrain", of("experiment.json"), "--out", out, "--threads", "1"]);
      expect(code, output).toBe(0);
      const log = (await readFile(join(out, "log.jsonl"), "utf8")).trim().split("\n");
      const model = await readFile(join(out, "model.safetensors"), "hex");
      return { model, losses: log.map((line): unknown => JSON.parse(line).losses) };
    };
    const one = await outcome(1);
    expect(one.losses).toHaveLength(2);
    expect(await outcome(2)).toEqual(one);
  });
});
