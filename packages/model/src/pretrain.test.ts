import { createRng, type Evidence, mapTree, type Patches, treeLeaves, type View } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { loadModel } from "./checkpoint/load.js";
import { stateDict } from "./checkpoint/state-dict.js";
import type { PretrainOptions } from "./compat.js";
import type { ModelConfig } from "./config.js";
import { encodeViews } from "./encode-views.js";
import { initModel } from "./init.js";
import type { ModelParams } from "./params.js";
import { pretrainForward } from "./pretrain.js";
import { config, golden, hostPatches, onDevice, relativeError, views } from "./seed0.test.fixture.js";

let params: ModelParams<tf.Tensor>;
let patches: Patches;

beforeAll(async () => {
  await tf.setBackend("cpu");
  params = onDevice(loadModel(config, golden("weights")).params);
  patches = onDevice(hostPatches());
});

const cases: [name: string, count: number, kind: "complementary" | "independent", options?: PretrainOptions][] = [
  ["complementary", 2, "complementary"],
  ["complementary_official", 2, "complementary", { compat: "official" }],
  ["complementary_normpix", 2, "complementary"],
  ["complementary_aavv", 2, "complementary"],
  ["independent", 2, "independent"],
  ["triple", 3, "complementary"],
  ["cavmae", 1, "complementary"],
];

describe("pretrainForward against the official code (fixtures/seed0)", () => {
  it.each(cases)("%s", (name, count, kind, options) => {
    const reference = golden(name);
    const evidence = pretrainForward(config, params, patches, views(count, kind), options);
    expect(evidence.views).toHaveLength(count);
    for (const [v, view] of evidence.views.entries()) {
      const { encoded, reconstruction } = view;
      const errors = {
        joint: relativeError(encoded.joint, reference[`view${v}.joint`]),
        audio: relativeError(encoded.audio, reference[`view${v}.audio`]),
        visual: relativeError(encoded.visual, reference[`view${v}.visual`]),
        pred_audio: relativeError(reconstruction.audio, reference[`view${v}.pred_audio`]),
        pred_visual: relativeError(reconstruction.visual, reference[`view${v}.pred_visual`]),
      };
      expect(Math.max(...Object.values(errors))).toBeLessThan(1e-5);
    }
  });
});

/** Gradients of a scalar of the evidence for every parameter, as a tree like the parameters. */
function gradients(
  config: ModelConfig,
  params: ModelParams<tf.Tensor>,
  patches: Patches,
  given: readonly View[],
  loss: (evidence: Evidence) => tf.Scalar,
  options: PretrainOptions = {},
): ModelParams<tf.Tensor> {
  const paths = treeLeaves<tf.Tensor>(params);
  const { grads } = tf.valueAndGrads((...leaves: tf.Tensor[]) => {
    const byPath = new Map(paths.map(([path], i) => [path, leaves[i]]));
    const tree = mapTree(params, (_, path) => byPath.get(path)!) as ModelParams<tf.Tensor>;
    return loss(pretrainForward(config, tree, patches, given, options));
  })(paths.map(([, leaf]) => leaf));
  const made = new Map(paths.map(([path], i) => [path, grads[i]]));
  return mapTree(params, (_, path) => made.get(path)!) as ModelParams<tf.Tensor>;
}

/** CAV-MAE's objective for one view: masked reconstruction and 0.01 × contrastive. */
function cavMaeLoss({ patches, views: [{ view, encoded, reconstruction }] }: Evidence): tf.Scalar {
  const masked = (modality: "audio" | "visual") => {
    const errors = tf.mean(tf.squaredDifference(reconstruction[modality], patches[modality]), -1);
    const { hidden } = view[modality];
    const isHidden = tf.sum(tf.oneHot(hidden, errors.shape[1]!), 1);
    return tf.div(tf.sum(tf.mul(errors, isHidden)), hidden.size);
  };
  const unit = (tokens: tf.Tensor) => {
    const mean = tf.mean(tokens, 1);
    return tf.div(mean, tf.norm(mean, 2, -1, true));
  };
  const audioByVisual = tf.div(tf.matMul(unit(encoded.audio), unit(encoded.visual), false, true), 0.05);
  const B = audioByVisual.shape[0];
  const right = tf.mul(tf.logSoftmax(tf.transpose(audioByVisual)), tf.eye(B));
  const contrastive = tf.neg(tf.div(tf.sum(right), B));
  return tf.addN([masked("audio"), masked("visual"), tf.mul(contrastive, 0.01)]) as tf.Scalar;
}

describe("gradients", () => {
  const kept: ["all" | "inputs"][] = [["all"], ["inputs"]];
  it.each(kept)("equal the official ones for every parameter, %s of a block kept (fixtures/seed0)", (keep) => {
    const grads = gradients(config, params, patches, views(1, "complementary"), cavMaeLoss, { keep });
    const host = mapTree(grads, (g: tf.Tensor) => ({ dtype: "float32", shape: g.shape, data: g.dataSync() }));
    const named = stateDict(config, host as Parameters<typeof stateDict>[1]);
    const reference = Object.entries(golden("cavmae")).filter(([name]) => name.startsWith("grad."));
    expect(reference).toHaveLength(115);
    const errors = reference.map(([name, expected]): [string, number] => {
      const { data, shape } = named[name.slice("grad.".length)];
      return [name, relativeError(tf.tensor(data, [...shape]), expected)];
    });
    expect(errors.filter(([, error]) => !(error < 2e-5))).toEqual([]);
  });

  it("reach every parameter when every stream and reconstruction counts", () => {
    const sizes: ModelConfig = {
      ...config,
      positions: "learned",
      jointDepth: 2,
      audio: { rows: 2, columns: 5, patch: 3, channels: 1 },
      visual: { rows: 3, columns: 3, patch: 2, channels: 3 },
    };
    const fresh = onDevice<ModelParams<tf.Tensor>>(initModel(sizes, createRng(5)));
    const clips: Patches = {
      audio: tf.randomNormal([2, 10, 9], 0, 1, "float32", 1),
      visual: tf.randomNormal([2, 9, 12], 0, 1, "float32", 2),
    };
    const shown = (visible: number[][], n: number) => ({
      visible: tf.tensor2d(visible, undefined, "int32"),
      hidden: tf.tensor2d(
        visible.map((row) => [...Array(n).keys()].filter((i) => !row.includes(i))),
        undefined,
        "int32",
      ),
    });
    const given: View[] = [
      {
        audio: shown(
          [
            [0, 3, 7],
            [9, 2, 5],
          ],
          10,
        ),
        visual: shown(
          [
            [1, 4],
            [8, 0],
          ],
          9,
        ),
      },
      {
        audio: shown(
          [
            [1, 4, 6],
            [8, 3, 0],
          ],
          10,
        ),
        visual: shown(
          [
            [2, 3],
            [7, 5],
          ],
          9,
        ),
      },
    ];
    const everything = ({ views }: Evidence) =>
      tf.addN(
        views.flatMap(({ encoded, reconstruction }) =>
          [...Object.values(encoded), ...Object.values(reconstruction)].map((x, i) =>
            tf.sum(tf.mul(tf.square(x), tf.randomNormal(x.shape, 0, 1, "float32", i))),
          ),
        ),
      ) as tf.Scalar;
    const grads = gradients(sizes, fresh, clips, given, everything);
    const silent = treeLeaves<tf.Tensor>(grads).filter(([, g]) => !(tf.max(tf.abs(g)).dataSync()[0] > 1e-6));
    expect(silent.map(([path]) => path)).toEqual([]);
  });
});

describe("encodeViews", () => {
  it("gives the encoded part of pretrainForward", () => {
    const given = views(3, "independent");
    const encoded = encodeViews(config, params.encoder, patches, given);
    const { views: whole } = pretrainForward(config, params, patches, given);
    for (const [v, streams] of encoded.entries()) {
      for (const stream of ["joint", "audio", "visual"] as const) {
        expect(streams[stream].arraySync()).toEqual(whole[v].encoded[stream].arraySync());
      }
    }
  });
});

describe("compat", () => {
  it("unchained streams meet only the last joint block; joint tokens and predictions stay", () => {
    const deep = { ...config, jointDepth: 3 };
    const model = onDevice<ModelParams<tf.Tensor>>(initModel(deep, createRng(5)));
    const { encoder } = model;
    const last = { ...encoder, joint: { ...encoder.joint, blocks: encoder.joint.blocks.slice(-1) } };
    const given = views(2, "complementary");
    const [, chained] = pretrainForward(deep, model, patches, given).views;
    const [, ours] = pretrainForward(deep, model, patches, given, { compat: ["unchained-streams"] }).views;
    const [, expected] = encodeViews({ ...config, jointDepth: 1 }, last, patches, given);
    for (const stream of ["audio", "visual"] as const) {
      expect(ours.encoded[stream].arraySync()).toEqual(expected[stream].arraySync());
      const difference = tf.sub(ours.encoded[stream], chained.encoded[stream]);
      expect(tf.max(tf.abs(difference)).dataSync()[0]).toBeGreaterThan(0.1);
    }
    expect(ours.encoded.joint.arraySync()).toEqual(chained.encoded.joint.arraySync());
    expect(ours.reconstruction.audio.arraySync()).toEqual(chained.reconstruction.audio.arraySync());
    const official = pretrainForward(deep, model, patches, given, { compat: "official" }).views[1];
    expect(official.encoded.audio.arraySync()).toEqual(expected.audio.arraySync());
    expect(official.reconstruction.audio.arraySync()).not.toEqual(chained.reconstruction.audio.arraySync());
  });
});

describe("views", () => {
  it("give the same alone as in company, whether or not they show equally many patches", () => {
    const [first, second] = views(2, "complementary");
    const narrow: View = {
      audio: {
        visible: tf.slice(second.audio.visible, [0, 0], [-1, 5]),
        hidden: tf.concat([second.audio.hidden, tf.slice(second.audio.visible, [0, 5])], 1),
      },
      visual: second.visual,
    };
    const together = pretrainForward(config, params, patches, [narrow, first, second]);
    expect(together.views.map(({ encoded }) => encoded.joint.shape[1])).toEqual([7, 8, 8]);
    for (const [v, view] of [narrow, first, second].entries()) {
      const [alone] = pretrainForward(config, params, patches, [view]).views;
      expect(together.views[v].view).toBe(view);
      const pairs: [tf.Tensor, tf.Tensor][] = [
        [together.views[v].encoded.joint, alone.encoded.joint],
        [together.views[v].encoded.visual, alone.encoded.visual],
        [together.views[v].reconstruction.audio, alone.reconstruction.audio],
      ];
      for (const [ours, expected] of pairs)
        expect(tf.max(tf.abs(tf.sub(ours, expected))).dataSync()[0]).toBeLessThan(1e-5);
    }
  });

  it("must be there, and must fit the batch", () => {
    expect(() => pretrainForward(config, params, patches, [])).toThrow(
      "pretrainForward: there are no views. Give at least one view",
    );
    const [view] = views(1, "complementary");
    const short = { ...view, audio: { ...view.audio, hidden: tf.slice(view.audio.hidden, [0, 0], [-1, 17]) } };
    expect(() => pretrainForward(config, params, patches, [view, short])).toThrow(
      "pretrainForward: view 1 audio.hidden has shape [3, 17], expected [B, hidden]: axis 1 (hidden) is 17, not 18. Pass view 1 audio.hidden with shape [3, 18]",
    );
  });
});
