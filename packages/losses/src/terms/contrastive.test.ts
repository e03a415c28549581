import { createRng } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { exampleEvidence } from "../example-evidence.js";
import { objective } from "../objective.js";
import { checkLossTerm } from "../testing.js";
import { contrastive, contrastiveAccuracy, contrastiveLoss } from "./contrastive.js";

const D = 11;

function tokens(seed: string, B: number, K: number): tf.Tensor3D {
  const rng = createRng(seed);
  return tf.tensor3d(
    Float32Array.from({ length: B * K * D }, () => rng.normal()),
    [B, K, D],
  );
}

const value = (x: tf.Tensor): number => x.dataSync()[0];

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("contrastiveLoss", () => {
  for (const B of [2, 7, 13]) {
    it(`is ln ${B} at chance, in every direction`, () => {
      const same = tf.ones<tf.Rank.R3>([B, 3, D]);
      for (const direction of ["visual-to-audio", "audio-to-visual", "both"] as const) {
        expect(value(contrastiveLoss(same, same, { direction }))).toBeCloseTo(Math.log(B), 5);
      }
    });
  }

  it("is 0 and always right where each sound equals its own picture and no other", () => {
    const own = tf.reshape(tf.eye(D), [D, 1, D]) as tf.Tensor3D;
    expect(value(contrastiveLoss(own, own))).toBeLessThan(1e-6);
    expect(value(contrastiveAccuracy(own, own))).toBe(1);
    const others = tf.reverse(own, 0);
    expect(value(contrastiveAccuracy(own, others))).toBeCloseTo(1 / D, 6);
  });

  it("sees directions and not lengths", () => {
    const [audio, visual] = [tokens("a", 5, 3), tokens("v", 5, 2)];
    const scaled = tf.mul(audio, tf.tensor3d([1, 2, 0.1, 50, 3], [5, 1, 1])) as tf.Tensor3D;
    expect(value(contrastiveLoss(scaled, visual))).toBeCloseTo(value(contrastiveLoss(audio, visual)), 4);
  });

  it("both directions are the mean of each", () => {
    const [audio, visual] = [tokens("a", 5, 3), tokens("v", 5, 2)];
    const of = (direction: "visual-to-audio" | "audio-to-visual" | "both") =>
      value(contrastiveLoss(audio, visual, { direction }));
    expect(of("both")).toBeCloseTo((of("visual-to-audio") + of("audio-to-visual")) / 2, 5);
    expect(of("visual-to-audio")).not.toBeCloseTo(of("audio-to-visual"), 3);
  });

  it("a clip of zeros gives no NaN, in value or gradient", () => {
    const audio = tf.concat([tokens("a", 4, 3), tf.zeros<tf.Rank.R3>([1, 3, D])], 0);
    const gradient = tf.grad((a) => contrastiveLoss(a as tf.Tensor3D, tokens("v", 5, 2)))(audio);
    expect(gradient.dataSync().every(Number.isFinite)).toBe(true);
  });

  it("sums over views", () => {
    const evidence = exampleEvidence(createRng(3), { views: 2 });
    const each = evidence.views.map(({ encoded }) => value(contrastiveLoss(encoded.audio, encoded.visual)));
    expect(value(contrastive.compute(evidence))).toBeCloseTo(each[0] + each[1], 4);
  });

  it("refuses bad options and tokens in words", () => {
    const audio = tokens("a", 5, 3);
    expect(() => contrastiveLoss(audio, audio, { temperature: 0 })).toThrow(
      "contrastive: the temperature is 0. Use a number above 0, such as 0.05",
    );
    expect(() => contrastive.needs({ direction: "sideways" as "both" })).toThrow(
      'contrastive: the direction "sideways" is not known. Use one of visual-to-audio, audio-to-visual, both',
    );
    expect(() => contrastiveLoss(audio, tokens("v", 4, 3))).toThrow(
      "contrastive: visual tokens has shape [4, 3, 11], expected [B, _, D]: axis 0 (B) is 4, not 5",
    );
  });
});

describe("pooling over tokens", () => {
  const rng = createRng("pooling over tokens");
  const tokens = (K: number) => Array.from({ length: 3 * K * 5 }, () => rng.normal());
  const [sound, picture] = [tokens(2), tokens(7)];
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((total, value, d) => total + value * b[d], 0);
  const token = (values: readonly number[], K: number, clip: number, k: number) =>
    values.slice((clip * K + k) * 5, (clip * K + k + 1) * 5);

  const cosines = (asking: number, clip: number) => {
    const mean = token(sound, 2, asking, 0).map((value, d) => (value + token(sound, 2, asking, 1)[d]) / 2);
    const each = Array.from({ length: 7 }, (_, k) => token(picture, 7, clip, k));
    return each.map((one) => dot(mean, one) / Math.sqrt(dot(mean, mean) * dot(one, one)));
  };
  const total = (values: readonly number[]) => values.reduce((all, one) => all + one);
  const likelihoods = {
    max: (asking: number, clip: number) => Math.exp(Math.max(...cosines(asking, clip)) / 0.1),
    "log-sum-exp": (asking: number, clip: number) =>
      total(cosines(asking, clip).map((cosine) => Math.exp(cosine / 0.1))),
  };

  it.each(["max", "log-sum-exp"] as const)("compares the mean sound with the picture's tokens: %s", (pooling) => {
    const likelihood = likelihoods[pooling];
    const wanted = total(
      [0, 1, 2].map((asking) => {
        const row = [0, 1, 2].map((clip) => likelihood(asking, clip));
        return -Math.log(row[asking] / total(row)) / 3;
      }),
    );
    const options = { pooling, direction: "audio-to-visual", temperature: 0.1 } as const;
    const got = contrastiveLoss(tf.tensor3d(sound, [3, 2, 5]), tf.tensor3d(picture, [3, 7, 5]), options).dataSync()[0];
    expect(got).toBeCloseTo(wanted, 5);
  });

  it("is refused by name when it is another", () => {
    expect(() => contrastive.needs({ pooling: "median" as never })).toThrow(
      'contrastive: the pooling "median" is not known. Use one of mean, max, log-sum-exp',
    );
  });
});

describe("the contrast's own path", () => {
  it.each([{ path: "own" }, { path: "own", tokens: "global" }, { path: "own", tokens: "both" }] as const)(
    "passes the suite: gradients reach its views, and not those that are rebuilt (%o)",
    (options) => expect(checkLossTerm(contrastive, { options })).toEqual([]),
  );

  it("is the loss of the views that it has for itself", () => {
    const evidence = exampleEvidence(createRng(7));
    const [{ encoded }] = evidence.contrast!;
    const own = contrastive.compute(evidence, { path: "own" });
    expect(value(own)).toBe(value(contrastiveLoss(encoded.audio, encoded.visual)));
  });

  it("is refused where it has none", () => {
    const { contrast: _, ...without } = exampleEvidence(createRng(8));
    expect(() => objective([{ term: "contrastive", options: { path: "own" } }]).compute(without)).toThrow(
      "Give the contrast views of its own (masking.contrast)",
    );
  });
});
