import { createRng, type Evidence } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { builtinTerms } from "./builtin.js";
import type { LossTerm } from "./term.js";
import type { DistillationOptions } from "./terms/view-distillation.js";
import { checkLossTerm, exampleEvidence } from "./testing.js";

const { contrastive } = builtinTerms;
const distillation = builtinTerms["view-distillation"];

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("every built-in term passes the suite", () => {
  for (const modality of ["audio", "visual"] as const) {
    it.each([{}, { normPixels: true }])(`reconstruction-${modality} %j`, (options) => {
      expect(checkLossTerm(builtinTerms[`reconstruction-${modality}`], { options })).toEqual([]);
    });
  }

  it.each([{}, { direction: "audio-to-visual" }, { direction: "both", temperature: 0.2 }] as const)(
    "contrastive %j",
    (options) => expect(checkLossTerm(contrastive, { options })).toEqual([]),
  );

  const divergences = ["js", "kl", "reverse-kl", "symmetric-kl", "mse", "mmd"] as const;
  const targets = ["both", "stop-gradient", "teacher"] as const;
  const options: DistillationOptions[] = [
    ...divergences.flatMap((divergence) => targets.map((target) => ({ divergence, target }))),
    ...targets.map((target) => ({ distribution: "softmax", temperature: 0.5, target }) as const),
    { streams: ["joint", "audio", "visual"] },
  ];
  it.each(options)("view-distillation %j", (one) => {
    expect(checkLossTerm(distillation, { options: one })).toEqual([]);
  });
});

const joint = ({ views }: Evidence): tf.Tensor3D => views[0].encoded.joint;
const square = (evidence: Evidence): tf.Scalar =>
  tf.tidy(() => tf.addN(evidence.views.map(({ encoded }) => tf.mean(tf.square(encoded.joint)))) as tf.Scalar);
const good: LossTerm = { name: "mine", needs: () => ({ views: 1, encoded: ["joint"] }), compute: square };
let calls = 0;

describe("a faulty term is told what is wrong", () => {
  it("and a sound one nothing", () => expect(checkLossTerm(good)).toEqual([]));

  it.each<[string, Partial<LossTerm>, string | RegExp]>([
    ["no name", { name: " " }, /it has no name/],
    ["nothing for a name", { name: undefined }, /it has no name/],
    ["needs that are a value", { needs: { views: 1 } as never }, "mine: its needs is no function"],
    [
      "a plain number",
      { compute: (e) => square(e).dataSync()[0] as never },
      /it gives number, not a scalar tensor: make it of tfjs operations at once/,
    ],
    [
      "nothing at all",
      { compute: () => undefined as never },
      /it gives undefined, not a scalar tensor: make it of tfjs operations at once/,
    ],
    [
      "a promise",
      { compute: (async (e: Evidence) => square(e)) as never },
      /it gives promise, not a scalar tensor: make it of tfjs operations at once/,
    ],
    [
      "not a scalar",
      { compute: (e) => tf.mean(joint(e), [1, 2]) as unknown as tf.Scalar },
      "mine: it gives shape [3], not a scalar",
    ],
    ["NaN", { compute: (e) => tf.tidy(() => tf.mul<tf.Scalar>(square(e), Number.NaN)) }, "mine: its value is NaN"],
    [
      "sum over clips",
      { compute: (e) => tf.tidy(() => tf.mul<tf.Scalar>(square(e), e.patches.audio.shape[0])) },
      /^mine: its clips alone give .* on average and together .* take the mean over clips, or set comparesClips$/,
    ],
    [
      "a statistic of the batch, which doubling leaves as it is",
      {
        compute: (e) =>
          tf.tidy(
            () =>
              tf.addN(
                e.views.map(({ encoded }) => {
                  const pooled = tf.mean(encoded.joint, 1);
                  return tf.mean(
                    tf.squaredDifference(
                      pooled,
                      tf.mul(tf.ones([e.patches.audio.shape[0], 1]), tf.mean(pooled, 0, true)),
                    ),
                  );
                }),
              ) as tf.Scalar,
          ),
      },
      /^mine: its clips alone give .* take the mean over clips, or set comparesClips$/,
    ],
    [
      "a lax schema",
      { schema: { "~standard": { version: 1, vendor: "lax", validate: (value) => ({ value }) } } },
      "mine: its schema lets an unknown option pass: make it strict",
    ],
    [
      "first clip only",
      {
        compute: (e) =>
          tf.tidy(
            () => tf.addN(e.views.map(({ encoded }) => tf.mean(tf.square(tf.slice(encoded.joint, 0, 1))))) as tf.Scalar,
          ),
      },
      /reordering the clips changed it/,
    ],
    [
      "a leak",
      {
        compute: (e) => {
          tf.square(joint(e));
          return square(e);
        },
      },
      "mine: it leaves 1 tensors behind: wrap compute in tidy",
    ],
    [
      "memory",
      { compute: (e) => tf.tidy(() => tf.add<tf.Scalar>(square(e), calls++)) },
      /the same evidence gave .* and then/,
    ],
    [
      "one view forgotten",
      { compute: (e) => tf.tidy(() => tf.mean(tf.square(joint(e))) as tf.Scalar) },
      "mine: no gradient reaches views.1.encoded.joint, which it says it needs",
    ],
    [
      "undeclared",
      { needs: () => ({ views: 1 }) },
      "mine: a gradient reaches views.0.encoded.joint, which its needs do not name",
    ],
    [
      "says it looks at means and looks at every token",
      { needs: () => ({ views: 1, encoded: ["joint"], pooled: ["joint"] }) },
      /^mine: its needs say that it looks at the mean token of joint alone, and without the rest .* became/,
    ],
    [
      "says it does not look at patches and does",
      {
        needs: () => ({ views: 1, encoded: ["joint"], patches: false }),
        compute: (e) => tf.tidy(() => tf.mul<tf.Scalar>(square(e), tf.mean(tf.square(e.patches.audio)))),
      },
      /^mine: its needs say that it does not look at the patches, and without the rest .* became/,
    ],
    [
      "moves the teacher",
      { compute: (e) => tf.tidy(() => tf.add<tf.Scalar>(square(e), tf.mean(tf.square(e.teacher![0].joint)))) },
      "mine: a gradient reaches teacher.0.joint: a teacher must get none",
    ],
    [
      "infinite gradient",
      { compute: (e) => tf.tidy(() => tf.add<tf.Scalar>(square(e), tf.sqrt(tf.mean(tf.mul(joint(e), 0))))) },
      "mine: the gradient of views.0.encoded.joint is not finite",
    ],
    [
      "throws",
      {
        compute: () => {
          throw new Error("out of tune");
        },
      },
      'mine: it threw "out of tune"',
    ],
  ])("%s", (_, fault, message) => {
    const problems = checkLossTerm({ ...good, ...fault });
    expect(problems).toContainEqual(typeof message === "string" ? message : expect.stringMatching(message));
  });
});

describe("exampleEvidence", () => {
  it("has the sizes asked for, and positions that cover the grid", () => {
    const evidence = exampleEvidence(createRng(1), { clips: 5, views: 2, audioPatches: 13, audioVisible: 3 });
    expect(evidence.views).toHaveLength(2);
    const [{ view, encoded, reconstruction }] = evidence.views;
    expect(encoded.joint.shape).toEqual([5, 5, 13]);
    expect(reconstruction.audio.shape).toEqual([5, 13, 7]);
    const positions = tf.concat([view.audio.visible, view.audio.hidden], 1).arraySync() as number[][];
    for (const row of positions) expect(row.sort((a, b) => a - b)).toEqual(Array.from(Array(13).keys()));
  });

  it("leaves no tensors after a check", () => {
    const before = tf.memory().numTensors;
    checkLossTerm(good);
    expect(tf.memory().numTensors).toBe(before);
  });
});
