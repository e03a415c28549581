import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { audioGrid, createRng, type FloatTensor, treeLeaves } from "@kdc-mae/core";
import { compiled } from "@kdc-mae/engine/node";
import { initModel, pruneEncoder } from "@kdc-mae/model";
import * as onnx from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clipFormFor } from "../corpus/clip-form.js";
import { createBatchEmbedder } from "../evaluate/embedding.js";
import { checkExperiment } from "../experiment/check.js";
import { embedFlops } from "../experiment/flops.js";
import { named } from "../experiment/named.js";
import { makeGraph } from "../export/make-graph.js";
import { readExportSource } from "../export/source.js";
import { configFor } from "../run/model-file.js";
import { pairingOf } from "../run/pairing.js";
import { readModel } from "../run/read-saved.js";
import { saveModel } from "../run/save-model.js";
import { localHub } from "../share/hub.test.support.js";
import { compareModels, comparisonRows } from "./compare-models.js";
import { distill, studentExperiment } from "./distill.js";
import { prune } from "./prune.js";
import { apart, config, experiment, params, patches, statistics } from "./small-model.test.support.js";

let folder = "";
const at = (name: string) => join(folder, name);
const pruned = pruneEncoder(config, params.encoder, { heads: 0.5, units: 0.75 });
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-small-"));
  await saveModel(at("whole.safetensors"), { config, params, statistics, experiment });
  const own = { ...params, encoder: pruned.encoder };
  await saveModel(at("pruned.safetensors"), { config: pruned.config, params: own, statistics, experiment });
});
afterAll(() => rm(folder, { recursive: true }));

describe("a pruned model", { timeout: 600_000 }, () => {
  it("is loaded by what its file says, compiled and run as ONNX with the same values, and smaller everywhere", async () => {
    const { config: own, params: loaded } = await readModel(at("pruned.safetensors"));
    expect(own).toEqual(pruned.config);
    const given = patches();
    const embedder = createBatchEmbedder(compiled(), own, loaded);
    const embedded = await embedder.embed(given);
    await embedder.dispose();
    const settings = { mode: "multimodal", visible: { audio: 3, visual: 2 } } as const;
    const graphOf = async (name: string) =>
      makeGraph("encoder", "float32", await readExportSource(at(name)), settings).bytes;
    const [whole, small] = await Promise.all(["whole.safetensors", "pruned.safetensors"].map(graphOf));
    // Of three blocks half of 4·24² in attention and three quarters of 8·24² in the two layers, in bytes.
    expect(whole.length - small.length).toBeGreaterThan(4 * 5 * (2 + 6) * 24 ** 2 * 0.95);
    await writeFile(at("encoder.onnx"), small);
    const session = await onnx.InferenceSession.create(at("encoder.onnx"));
    const tensors = Object.entries(given).map(([name, { data, shape }]) => [
      name,
      new onnx.Tensor("float32", data, shape),
    ]);
    const out = await session.run(Object.fromEntries(tensors));
    const tokens = out.visual_tokens.data as Float32Array;
    expect(tokens.length).toBe(2 * 9 * 24);
    expect(apart(tokens, embedded.tokens.data)).toBeLessThan(1e-5);
    // 84 tokens through blocks that lost 384 numbers a channel of a layer, and half of all attention.
    const attended = 2 * 12 ** 2 + 2 * 9 ** 2 + 21 ** 2 + 12 ** 2 + 9 ** 2;
    expect(embedFlops(config) - embedFlops(own)).toBe(84 * 24 * 384 + 4 * 12 * attended);
  });

  it("stands beside the whole one in a table of size and speed", async () => {
    const models = ["whole", "pruned"].map((name) => ({ name, file: at(`${name}.safetensors`) }));
    const compared = await compareModels(models, { execute: compiled(), protocols: [] });
    const count = (tree: Parameters<typeof treeLeaves<FloatTensor>>[0]) =>
      treeLeaves<FloatTensor>(tree).reduce((sum, [, { data }]) => sum + data.length, 0);
    expect(compared.map(({ encoder }) => encoder)).toEqual([count(params.encoder), count(pruned.encoder)]);
    expect(compared[1].bytes).toBeLessThan(compared[0].bytes);
    const rows = comparisonRows(compared);
    expect(rows[0]).toEqual(["", "whole", "pruned"]);
    expect(rows[1][2]).toBe(
      `${count(pruned.encoder).toLocaleString("en")} (${(count(pruned.encoder) / count(params.encoder)).toFixed(2)} ×)`,
    );
  });
});

it("figures of two models have intervals, what they are over, and differences in points of shares", () => {
  const interval = { low: 0.25, high: 0.75, level: 0.95, resamples: 1000 };
  const sizes = { file: "", encoder: 1, parameters: 1, bytes: 1, milliseconds: 1 };
  const share = { protocol: "retrieval-middle-frame", key: "r1", name: "R@1", kind: "share" } as const;
  const error = { protocol: "inpainting-random-75", key: "mse", name: "squared error", kind: "error" } as const;
  const [queries, clips] = [{ unit: "queries", count: 192 } as const, { unit: "clips", count: 192 } as const];
  const rows = comparisonRows([
    {
      ...sizes,
      name: "whole",
      figures: [
        { ...share, value: 0.5, interval, over: queries },
        { ...error, value: 0.5, over: clips },
      ],
    },
    {
      ...sizes,
      name: "half",
      figures: [
        { ...share, value: 0.488, interval, over: queries },
        { ...error, value: 0.75, over: clips },
      ],
    },
  ]);
  expect(rows.slice(-2)).toEqual([
    ["retrieval-middle-frame: R@1, 192 queries", "50.0 % (25.0–75.0 %)", "48.8 % (25.0–75.0 %; −1.2 pp)"],
    ["inpainting-random-75: squared error, 192 clips", "0.500", "0.750 (+0.250)"],
  ]);
});

it("a model on a hub is as large as its file", async () => {
  const hub = await localHub();
  try {
    const bytes = await readFile(at("whole.safetensors"));
    hub.repos.set("someone/whole", new Map([["model.safetensors", bytes]]));
    const models = [{ name: "whole", file: "hf://someone/whole" }];
    const env = { HF_ENDPOINT: hub.url, HF_HUB_CACHE: at("hub") };
    const [compared] = await compareModels(models, { env, execute: compiled(), protocols: [] });
    expect(compared.bytes).toBe(bytes.length);
  } finally {
    await hub.close();
  }
});

describe("before anything is written", () => {
  const shares = { heads: 0.5, units: 0.5 };

  it.each([
    ["retrieval", 'there is no protocol named "retrieval"'],
    ["classification-middle-frame", "the model is pretrained and has no classes"],
    ["retrieval-frames-max-global", "the model has no global tokens"],
  ])("the protocol %s, which none of the models can be measured under, is refused", async (protocol, refused) => {
    const options = { out: at("nowhere"), protocols: ["linear-probe-joint", protocol] };
    await expect(distill(at("whole.safetensors"), options)).rejects.toThrow(refused);
    await expect(prune(at("whole.safetensors"), { ...options, shares, epochs: 0 })).rejects.toThrow(refused);
    await expect(prune(at("whole.safetensors"), { ...options, shares, epochs: 1 })).rejects.toThrow(refused);
    expect(existsSync(at("nowhere"))).toBe(false);
  });

  it("clips without the split that all would be measured on afterwards are refused", async () => {
    await writeFile(at("train.csv"), "path,split\na.mp4,train\nb.mp4,train\n");
    const changes = [{ data: { kind: "manifest", path: at("train.csv") }, training: { batch: 2, microBatch: null } }];
    const options = { out: at("nowhere"), protocols: ["retrieval-middle-frame"], changes };
    const refused = "no clip is of the test split (clips by split: train 2)";
    await expect(distill(at("whole.safetensors"), options)).rejects.toThrow(refused);
    await expect(prune(at("whole.safetensors"), { ...options, shares, epochs: 1 })).rejects.toThrow(refused);
    expect(existsSync(at("nowhere"))).toBe(false);
    // Nothing is measured: the clips are trained on, were they there.
    const unmeasured = prune(at("whole.safetensors"), { ...options, protocols: [], shares, epochs: 1 });
    await expect(unmeasured).rejects.toThrow("no clip of the train split could be used");
  });

  it("the folder of the model that is pruned is refused, and the model stays", async () => {
    const before = await readFile(at("pruned.safetensors"));
    await expect(prune(at("pruned.safetensors"), { out: folder, shares, epochs: 0 })).rejects.toThrow(
      "where the pruned model would overwrite it. Give another folder with --out",
    );
    expect(await readFile(at("pruned.safetensors"))).toEqual(before);
  });

  it.each([
    [0, "it holds a run and a pruned.safetensors of another pruning"],
    [1, "it holds a run of another experiment"],
  ])("the folder of another run is refused for %i epochs, and what it holds stays", async (epochs, words) => {
    const out = at(`run-${epochs}`);
    await mkdir(out);
    const held = { "pruned.safetensors": "theirs", "log.jsonl": "{}\n", "experiment.json": JSON.stringify(experiment) };
    for (const [name, text] of Object.entries(held)) await writeFile(join(out, name), text);
    await expect(prune(at("whole.safetensors"), { out, shares, epochs })).rejects.toThrow(words);
    for (const [name, text] of Object.entries(held)) expect(await readFile(join(out, name), "utf8")).toBe(text);
  });
});

describe("a student's experiment", () => {
  const saved = async (name: string, changes: Partial<Record<keyof typeof experiment, unknown>>, own = config) => {
    const said = checkExperiment({ ...experiment, ...changes }, name);
    await saveModel(at(name), { config: own, params: initModel(own, createRng(3)), statistics, experiment: said });
    return { said, student: await studentExperiment(at(name), { out: "" }) };
  };
  const form = (one: typeof experiment) => clipFormFor(configFor(one), pairingOf(one));

  it("takes clips of the teacher's length, where the teacher hears a window of them", async () => {
    const model = { ...experiment.model, audio: audioGrid(192, 32, 16) };
    const { said, student } = await saved("window.safetensors", { model, visual: { window: 0.96 } });
    expect([student.visual.window, student.visual.seconds]).toEqual([0.96, 1.92]);
    expect([form(student).seconds, form(student).audio]).toEqual([form(said).seconds, form(said).audio]);
    // And no window where the teacher has none.
    const other = { out: "", experiment: said };
    expect((await studentExperiment(at("whole.safetensors"), other)).visual).toEqual({});
  });

  it("keeps nothing of a teacher or a base that a student has no use for", async () => {
    const predictor = { dim: 16, heads: 2, depth: 1 };
    const own = { ...pruned.config, predictor };
    const whole = initModel({ ...config, predictor }, createRng(3));
    const model = { ...experiment.model, predictor, pruned: pruned.config.pruned, globalToken: true };
    const masking = {
      ...{ kind: "adaptive", views: 2, audioRatio: 0.75, visualRatio: 0.75, temperature: 2 },
      contrast: { audioRatio: 0.5, visualRatio: 0.5 },
    };
    const objective = [
      ...[{ term: "patch-sampling", weight: 1e-4 }, { term: "latent-prediction" }],
      { term: "contrastive", options: { path: "own" } },
    ];
    const said = checkExperiment({ ...experiment, model, masking, objective }, "test");
    const params = { ...whole, encoder: pruned.encoder };
    await saveModel(at("odd.safetensors"), { config: own, params, statistics, experiment: said });
    const student = await studentExperiment(at("odd.safetensors"), { out: "" });
    const { pruned: left, predictor: predicts, sampler } = configFor(student);
    expect([left, predicts, sampler]).toEqual([undefined, undefined, undefined]);
    const half = { audioRatio: 0.5, visualRatio: 0.5, audioStructure: "none" };
    expect(student.masking).toEqual({ kind: "independent", views: 1, ...half });
    // The base says a locality and the teacher has none.
    const { visualLocality: _, ...near } = config;
    const { visualLocality: __, ...plain } = experiment.model;
    await saved("plain.safetensors", { model: plain }, near);
    const based = { out: "", experiment: checkExperiment(named.demo, "demo") };
    expect(configFor(await studentExperiment(at("plain.safetensors"), based)).visualLocality).toBeUndefined();
  });
});
