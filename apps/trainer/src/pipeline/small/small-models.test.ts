import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { audioGrid, createRng, type FloatTensor, float32, treeLeaves, visualGrid } from "@kdc-mae/core";
import { compiled } from "@kdc-mae/engine/node";
import { initModel, type ModelConfig, presets, pruneEncoder } from "@kdc-mae/model";
import * as onnx from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clipFormFor } from "../corpus/clip-form.js";
import { createBatchEmbedder } from "../evaluate/embedding.js";
import { checkExperiment } from "../experiment/check.js";
import { embedFlops } from "../experiment/flops.js";
import { named } from "../experiment/named.js";
import { makeGraph } from "../export/make-graph.js";
import { readExportSource } from "../export/source.js";
import type { BatchSource } from "../pretrain/masked-batches.js";
import { configFor } from "../run/model-file.js";
import { pairingOf } from "../run/pairing.js";
import { readModel } from "../run/read-saved.js";
import { saveModel } from "../run/save-model.js";
import { localHub } from "../share/hub.test.support.js";
import { compareModels, comparisonRows } from "./compare-models.js";
import { distill, studentExperiment } from "./distill.js";
import { openTeacher, readTeacher } from "./fixed-teacher.js";
import { inDirections, principalDirections } from "./principal.js";
import { prune } from "./prune.js";

const config: ModelConfig = {
  ...presets.tiny,
  ...{ audio: audioGrid(96, 32, 16), visual: visualGrid(48, 16), visualLocality: [0, 0.1, 0.2, 0.3] },
  ...{ embedDim: 24, heads: 4, modalityDepth: 2, jointDepth: 1, decoderDim: 16, decoderHeads: 2 },
};
const params = initModel(config, createRng(3));
const { layerNormEpsilon: _, ...sizes } = config;
const experiment = checkExperiment({ ...named.demo, model: { preset: "tiny", ...sizes } }, "test");
const statistics = { mean: -6, std: 4 };
const rng = createRng("small models");
const noise = (...shape: number[]): FloatTensor =>
  float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => rng.normal()),
  );
const patches = () => ({ audio: noise(2, 12, 256), visual: noise(2, 9, 768) });
const apart = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at])), 0);

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

describe("a teacher", { timeout: 600_000 }, () => {
  it("says what it makes of whole clips, in the directions that hold most of it", async () => {
    const student = await studentExperiment(at("whole.safetensors"), { out: "" });
    expect(student.model).toMatchObject({ embedDim: 12, heads: 2, modalityDepth: 1, visualLocality: [0, 0.2] });
    expect(student.audio.statistics).toEqual(statistics);
    const given = patches();
    const source = {
      stepsPerEpoch: 3,
      async *batches() {
        for (let batch = 0; batch < 3; batch++) yield { patches: given, views: [] };
      },
    };
    const own = { ...config, embedDim: 12, heads: 2, visualLocality: [0, 0.2] };
    const teacher = await readTeacher(student.fixedTeacher!, own, {});
    const around = { experiment: student, source, statistics, execute: compiled() };
    const opened = await openTeacher(teacher, own, around);
    const taught = await opened.teach(given);
    const plain = createBatchEmbedder(compiled(), config, params);
    const embedded = await plain.embed(given);
    const cosine = (x: Float32Array, y: Float32Array, D: number, a: number, b: number) => {
      const [u, v] = [x.slice(a * D, (a + 1) * D), y.slice(b * D, (b + 1) * D)];
      const dot = (p: Float32Array, q: Float32Array) => p.reduce((sum, value, d) => sum + value * q[d], 0);
      return dot(u, v) / Math.sqrt(dot(u, u) * dot(v, v));
    };
    for (const stream of ["joint", "audio", "visual"] as const) {
      expect(taught[stream].shape).toEqual([2, 1, 12]);
      const [one, other] = [taught[stream].data, embedded[stream].data];
      // Six vectors lie in six directions, so that twelve hold all of them.
      expect(cosine(one, one, 12, 0, 1)).toBeCloseTo(cosine(other, other, 24, 0, 1), 4);
    }
    // Of a student that has its sound normalised otherwise it hears what it was trained on.
    const other = { mean: -4, std: 5 };
    const { audio, visual } = given;
    const otherwise = { audio: { ...audio, data: audio.data.map((x) => (x * 4 - 6 - -4) / 5) }, visual };
    const same = { ...own, embedDim: 24 };
    const [usual, heard] = await Promise.all(
      [statistics, other].map((by) => openTeacher(teacher, same, { ...around, statistics: by })),
    );
    const [wanted, made] = [await usual.teach(given), await heard.teach(otherwise)];
    for (const stream of ["joint", "audio"] as const) {
      expect(apart(made[stream].data, wanted[stream].data)).toBeLessThan(1e-5);
      expect(apart((await usual.teach(otherwise))[stream].data, wanted[stream].data)).toBeGreaterThan(1e-2);
    }
    await Promise.all([opened.dispose(), plain.dispose(), usual.dispose(), heard.dispose()]);
    await expect(readTeacher({ ...student.fixedTeacher!, sum: "another" }, own, {})).rejects.toThrow(
      "it is not the model that this run was begun with",
    );
    await expect(readTeacher(student.fixedTeacher!, { ...own, visual: visualGrid(64, 16) }, {})).rejects.toThrow(
      "it cuts clips into other patches than the student",
    );
    await expect(readTeacher(student.fixedTeacher!, { ...own, embedDim: 32 }, {})).rejects.toThrow(
      "it has 24 channels and the student 32",
    );
  });

  it("has the same directions however a batch is divided", async () => {
    const own = { ...config, embedDim: 4, heads: 2, visualLocality: [0, 0.2] };
    const student = await studentExperiment(at("whole.safetensors"), { out: "" });
    const teacher = await readTeacher(student.fixedTeacher!, own, {});
    const three = [patches(), patches(), patches()];
    const both = (of: (one: ReturnType<typeof patches>) => FloatTensor): FloatTensor => {
      const [first, second] = three.slice(0, 2).map(of);
      return { ...first, shape: [4, ...first.shape.slice(1)], data: Float32Array.of(...first.data, ...second.data) };
    };
    const whole = [{ audio: both(({ audio }) => audio), visual: both(({ visual }) => visual) }];
    const taughtBy = async (batches: readonly ReturnType<typeof patches>[], pieces: number) => {
      const source: BatchSource = {
        ...{ stepsPerEpoch: batches.length, pieces },
        async *batches(_, __, wanted = () => true) {
          for (const [at, one] of batches.entries()) if (wanted(at)) yield { patches: one, views: [] };
        },
      };
      const opened = await openTeacher(teacher, own, { experiment: student, source, statistics, execute: compiled() });
      return opened.teach(three[0]).finally(opened.dispose);
    };
    // Of a batch of four clips in pieces of two, a third piece is left over, and no update sees it.
    const [one, divided] = [await taughtBy(whole, 1), await taughtBy(three, 2)];
    expect(apart(divided.joint.data, one.joint.data)).toBeLessThan(1e-4);
    expect(apart((await taughtBy(three, 1)).joint.data, one.joint.data)).toBeGreaterThan(1e-2);
  });

  it("directions: those that vectors lie in, whatever basis", () => {
    // In 7 channels, but all within two directions.
    const [u, v] = [noise(7).data, noise(7).data];
    const vectors = Array.from({ length: 20 }, () => {
      const [a, b] = [rng.normal(), rng.normal()];
      return Float32Array.from(u, (value, d) => a * value + b * v[d]);
    });
    const found = principalDirections(vectors, 2);
    expect(found.kept).toBeCloseTo(1, 6);
    const rows = float32([20, 7]);
    for (const [index, vector] of vectors.entries()) rows.data.set(vector, 7 * index);
    const inside = inDirections(rows, found);
    for (const [index, vector] of vectors.entries()) {
      const [a, b] = inside.data.subarray(2 * index, 2 * index + 2);
      expect(Math.hypot(a, b)).toBeCloseTo(Math.hypot(...vector), 4);
    }
    const { data } = found.rows;
    const dot = (i: number, j: number) =>
      data.subarray(7 * i, 7 * i + 7).reduce((sum, x, d) => sum + x * data[7 * j + d], 0);
    expect([dot(0, 0), dot(0, 1), dot(1, 1)].map((value) => Math.round(1e5 * value) / 1e5 + 0)).toEqual([1, 0, 1]);
  });
});
