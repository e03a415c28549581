import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createRng,
  type FloatTensor,
  float32,
  type HostTensor,
  mapTree,
  type Tree,
  type TreeLike,
} from "@kdc-mae/core";
import { eager, type Hosted } from "@kdc-mae/engine";
import { createProgram } from "@kdc-mae/engine/node";
import {
  type ClassifierParams,
  classify,
  features,
  initClassifier,
  initModel,
  type ModelConfig,
  type ModelParams,
  presets,
} from "@kdc-mae/model";
import { saveCheckpoint } from "@kdc-mae/model/node";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { classes, grids, tinyWith } from "../finetune/made-clips.test.support.js";
import { saveClassifier } from "../run/save-classifier.js";
import { madeUpInputs } from "./difference.js";
import type { GraphName } from "./graphs.js";
import { makeGraph, possibleGraphs } from "./make-graph.js";
import { type ExportSource, readExportSource } from "./source.js";

/** Visual attention that favours what is near, as the demo's model has it. */
const config: ModelConfig = {
  ...presets.tiny,
  ...grids,
  ...{ embedDim: 24, heads: 3, modalityDepth: 2, jointDepth: 1 },
  ...{ decoderDim: 16, decoderHeads: 2, decoderDepth: 1, visualLocality: [0, 0.5, 2] },
};
const statistics = { mean: -7, std: 3 };
const visible = { audio: 2, visual: 4 };
type Modalities = { readonly audio: tf.Tensor3D; readonly visual: tf.Tensor3D };
type Given = { readonly params: never } & Modalities;

const shaken = <T extends Tree<FloatTensor>>(tree: T): TreeLike<T, FloatTensor> =>
  mapTree(tree, ({ shape, data }: FloatTensor, path) => {
    const rng = createRng("shaken").fork(path);
    return float32(
      shape,
      Float32Array.from(data, (value) => value + 0.1 * rng.normal()),
    );
  });

/** The exported graph and the model itself on the same clips, for two numbers of them. */
async function expectEqual(
  source: ExportSource,
  name: GraphName,
  reference: (given: Given) => Record<string, tf.Tensor>,
): Promise<void> {
  const { mode = "multimodal" } = source;
  const { trace } = makeGraph(name, "float32", source, { mode, visible });
  const graph = await createProgram(trace, { threads: 1 });
  const model = await eager("cpu")(reference as never, {} as never);
  for (const samples of [2, 5]) {
    const inputs = madeUpInputs(trace.graph, source.config, samples);
    const made = (await graph.run(inputs as never)) as Readonly<Record<string, HostTensor>>;
    const wanted = (await model.run({ params: source.params, ...inputs } as Hosted<never>)) as typeof made;
    expect(Object.keys(made)).toEqual(Object.keys(wanted));
    for (const [output, { data, shape }] of Object.entries(wanted)) {
      expect(made[output].shape).toEqual(shape);
      const largest = Math.max(...data.map(Math.abs));
      for (const [i, value] of data.entries())
        expect(Math.abs(made[output].data[i] - value) / largest).toBeLessThan(1e-5);
    }
  }
  await graph.dispose();
}

let folder = "";
let [pretrained, tuned] = [{}, {}] as ExportSource[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-kinds-"));
  const [model, classifier] = [join(folder, "model.safetensors"), join(folder, "best.safetensors")];
  await saveCheckpoint(model, config, shaken(initModel(config, createRng(1))), {
    metadata: { statistics: JSON.stringify(statistics) },
  });
  const params = shaken(initClassifier(config, classes.length, createRng(2)));
  const experiment = tinyWith({ mode: "visual-only" });
  await saveClassifier(classifier, { config, params, statistics, classes, experiment, weights: "epoch 3" });
  [pretrained, tuned] = [await readExportSource(model), await readExportSource(classifier)];
});
afterAll(() => rm(folder, { recursive: true }));

describe("models whose visual attention favours what is near", () => {
  const encoder =
    (sizes: ModelConfig) =>
    ({ params, audio, visual }: Given) => {
      const made = features(sizes, params as ModelParams<tf.Tensor>, { audio, visual });
      return { joint_tokens: made.joint, audio_tokens: made.audio, visual_tokens: made.visual };
    };

  it("are exported for any number of clips", () => expectEqual(pretrained, "encoder", encoder(config)));

  it("differ from those without, so the nearness is in the graph", async () => {
    const { visualLocality: _, ...everywhere } = config;
    await expect(expectEqual(pretrained, "encoder", encoder(everywhere))).rejects.toThrow("to be less than");
  });

  it("inpaint in ONNX Runtime, each clip by its own visible patches", async () => {
    const { trace } = makeGraph("inpainting", "float32", pretrained, { mode: "multimodal", visible });
    const program = await createProgram(trace, { threads: 1 });
    const both = madeUpInputs(trace.graph, config, 2);
    const second = Object.fromEntries(
      Object.entries(both).map(([name, { dtype, shape, data }]) => [
        name,
        { dtype, shape: [1, ...shape.slice(1)], data: data.slice(data.length / 2) },
      ]),
    );
    const [of2, of1] = [await program.run(both as never), await program.run(second as never)] as Record<
      string,
      HostTensor
    >[];
    for (const [name, { data }] of Object.entries(of1)) {
      const half = of2[name].data.slice(data.length);
      for (const [i, value] of data.entries()) expect(half[i]).toBeCloseTo(value, 4);
    }
    await program.dispose();
  });
});

describe("models with global tokens, registers and contrast heads", () => {
  it("are exported for retrieval with the embeddings that they have everywhere else", async () => {
    const whole: ModelConfig = { ...config, globalToken: true, registers: 1, contrastHeads: 1 };
    const file = join(folder, "whole.safetensors");
    await saveCheckpoint(file, whole, shaken(initModel(whole, createRng(3))), {
      metadata: { statistics: JSON.stringify(statistics) },
    });
    const source = await readExportSource(file);
    const embedding = ({ params, audio, visual }: Given, modality: "audio" | "visual") => {
      const mean = tf.mean(features(whole, params as ModelParams<tf.Tensor>, { audio, visual })[modality], 1);
      return { [`${modality}_embedding`]: tf.div(mean, tf.norm(mean, 2, -1, true)) };
    };
    await expectEqual(source, "retrieval", (given) => ({
      ...embedding(given, "audio"),
      ...embedding(given, "visual"),
    }));
    // Of one modality the other's patches are not asked for.
    const { trace } = makeGraph("retrieval-audio", "float32", source, { mode: "multimodal", visible });
    expect(trace.graph.inputs.map(({ name }) => name)).toEqual(["audio"]);
  });
});

describe("a classifier that finetune wrote", () => {
  it("is exported as it was tuned, with its classes and normalisation", async () => {
    expect([tuned.mode, tuned.classes, tuned.statistics]).toEqual(["visual-only", classes, statistics]);
    expect(possibleGraphs(tuned)).toEqual([
      "encoder",
      "retrieval",
      "retrieval-audio",
      "retrieval-visual",
      "classifier",
    ]);
    await expectEqual(tuned, "classifier", ({ params, visual }) => ({
      logits: classify(config, params as ClassifierParams<tf.Tensor>, { visual }, "visual-only"),
    }));
  });
});
