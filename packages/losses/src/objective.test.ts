import { createRng, type Evidence } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { avMae, builtinTerms, cavMae, kdcMae } from "./builtin.js";
import { exampleEvidence } from "./example-evidence.js";
import { entry, type ObjectiveEntry, objective } from "./objective.js";
import type { LossTerm } from "./term.js";

const value = (x: tf.Tensor): number => x.dataSync()[0];

/** A term of somebody else's: how large the joint tokens are. */
const size: LossTerm<{ readonly power: number }> = {
  name: "size",
  needs: () => ({ views: 1, encoded: ["joint"] }),
  compute: ({ views }, options) => tf.tidy(() => tf.mean(tf.pow(tf.abs(views[0].encoded.joint), options?.power ?? 2))),
};

let evidence: Evidence;
beforeAll(async () => {
  await tf.setBackend("cpu");
  evidence = exampleEvidence(createRng(1));
});

describe("objective", () => {
  it("adds up weight times value, and reports values before their weights", () => {
    const { total, terms } = objective(kdcMae).compute(evidence);
    expect(Object.keys(terms)).toEqual([
      "reconstruction-audio",
      "reconstruction-visual",
      "contrastive",
      "view-distillation",
    ]);
    const sum =
      value(terms["reconstruction-audio"]) +
      value(terms["reconstruction-visual"]) +
      0.01 * value(terms.contrastive) +
      10 * value(terms["view-distillation"]);
    expect(value(total)).toBeCloseTo(sum, 4);
  });

  it("takes anybody's term, with its options, beside the built-in ones", () => {
    const made = objective([...cavMae, entry({ term: size, weight: 0.5, options: { power: 4 } })]);
    expect(made.names).toEqual(["reconstruction-audio", "reconstruction-visual", "contrastive", "size"]);
    expect(value(made.compute(evidence).terms.size)).toBeCloseTo(value(size.compute(evidence, { power: 4 })), 5);
  });

  it("takes one term twice under two names", () => {
    const made = objective([
      { term: "contrastive" },
      { term: "contrastive", name: "reverse", options: { direction: "audio-to-visual" } },
    ]);
    const { terms } = made.compute(evidence);
    expect(value(terms.reverse)).not.toBeCloseTo(value(terms.contrastive), 3);
  });

  it("a term of weight 0 is reported and moves nothing", () => {
    const withZero: ObjectiveEntry[] = [{ term: "reconstruction-audio" }, { term: "contrastive", weight: 0 }];
    const { total, terms } = objective(withZero).compute(evidence);
    expect(value(total)).toBe(value(terms["reconstruction-audio"]));
    expect(value(terms.contrastive)).toBeGreaterThan(0);
  });

  it("says what its terms need together", () => {
    expect(objective(cavMae).needs).toEqual({ views: 1, clips: 2, teacher: false, whole: false });
    expect(objective(kdcMae).needs).toEqual({ views: 2, clips: 2, teacher: false, whole: false });
    expect(objective([{ term: "view-distillation", options: { target: "teacher" } }]).needs).toEqual({
      views: 2,
      clips: 1,
      teacher: true,
      whole: false,
    });
    // A term of weight 0 has no say.
    expect(objective([...avMae, { term: "contrastive", weight: 0 }]).needs.clips).toBe(1);
    expect(objective([{ term: "latent-prediction" }]).needs).toEqual({
      views: 1,
      clips: 1,
      teacher: false,
      whole: true,
    });
  });

  it("is typed: a wrong option or name does not compile", () => {
    const wrong = [
      // @ts-expect-error no such option
      () => objective([{ term: "contrastive", options: { normPixels: true } }]),
      // @ts-expect-error no such direction
      () => objective([{ term: "contrastive", options: { direction: "up" } }]),
      // @ts-expect-error the term's option is a number
      () => entry({ term: size, options: { power: "two" } }),
    ];
    expect(wrong).toHaveLength(3);
    expect(wrong[1]).toThrow('contrastive: the direction "up" is not known');
  });

  it("leaves no tensors but the report's", () => {
    const before = tf.memory().numTensors;
    const { total, terms } = objective(kdcMae).compute(evidence);
    expect(tf.memory().numTensors - before).toBe(5);
    tf.dispose([total, ...Object.values(terms)]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each<[string, readonly ObjectiveEntry[], string]>([
    ["an empty list", [], "objective: there are no terms. List at least one loss term"],
    [
      "a name twice",
      [{ term: "contrastive" }, { term: "contrastive" }],
      'objective: two terms are called "contrastive". Give one of them another "name"',
    ],
    [
      "a NaN weight",
      [{ term: "contrastive", weight: Number.NaN }],
      'objective: the weight of "contrastive" is NaN. Give a finite number, 0 or more',
    ],
    ["a negative weight", [entry({ term: size, weight: -1 })], 'objective: the weight of "size" is -1'],
    ["an infinite weight", [{ term: "contrastive", weight: 1 / 0 }], "is Infinity"],
    [
      "an unknown term",
      [{ term: "contrast" as "contrastive" }],
      `objective: the loss term "contrast" is not known. Use one of ${Object.keys(builtinTerms).join(", ")}, or a LossTerm value`,
    ],
    [
      "a key that nothing reads",
      [{ term: "contrastive", weigth: 3 } as ObjectiveEntry],
      'objective: an entry has the key "weigth". Its keys are term, weight, name, options',
    ],
    [
      "a name that is no entry",
      ["contrastive" as unknown as ObjectiveEntry],
      'objective: an entry is "contrastive". Write { term: "contrastive" }',
    ],
    [
      "a value that is no term",
      [{ term: { name: "mine" } } as unknown as ObjectiveEntry],
      "objective: a term is no LossTerm: it lacks the function needs or compute",
    ],
    [
      "a bad option",
      [{ term: "view-distillation", options: { divergence: "wasserstein" as "js" } }],
      'view-distillation: the divergence "wasserstein" is not known',
    ],
  ])("refuses %s at once", (_, entries, message) => {
    expect(() => objective(entries)).toThrow(message);
  });

  it("refuses evidence that lacks what a term needs, by its name in the report", () => {
    const one = { ...evidence, views: evidence.views.slice(0, 1) };
    const made = objective([{ term: "view-distillation", name: "agreement" }]);
    expect(() => made.compute(one)).toThrow(
      "loss term agreement: it needs at least 2 views and the evidence has 1. Mask with more views, or leave this term out",
    );
  });
});
