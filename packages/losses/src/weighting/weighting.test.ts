import { createRng, type Evidence, type FloatTensor, mapTree } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { kdcMae } from "../builtin.js";
import { exampleEvidence } from "../example-evidence.js";
import { objective } from "../objective.js";
import { fixed } from "./fixed.js";
import { learned } from "./learned.js";
import { uncertainty } from "./uncertainty.js";
import type { WeightingParams } from "./weighting.js";

const value = (x: tf.Tensor): number => x.dataSync()[0];
const names = ["reconstruction-audio", "reconstruction-visual", "contrastive", "view-distillation"];
const weights = [1, 1, 0.01, 10];

const onDevice = (params: WeightingParams<FloatTensor>, first = 0): WeightingParams<tf.Tensor> => {
  let next = first;
  return mapTree(params, () => {
    const scalar = tf.scalar(next);
    if (first !== 0) next += 0.3;
    return scalar;
  }) as WeightingParams<tf.Tensor>;
};

let evidence: Evidence;
beforeAll(async () => {
  await tf.setBackend("cpu");
  evidence = exampleEvidence(createRng(9));
});

describe("fixed", () => {
  it("trains nothing, and is the default", () => {
    const made = objective(kdcMae, fixed());
    expect(made.initParams()).toEqual({});
    expect(value(made.compute(evidence).total)).toBe(value(objective(kdcMae).compute(evidence).total));
  });
});

describe("uncertainty", () => {
  it("is ½ Σ exp(−s) w L + s", () => {
    const made = objective(kdcMae, uncertainty());
    const params = onDevice(made.initParams(), 0.1);
    const { total, terms } = made.compute(evidence, params);
    const expected = names.reduce((sum, name, index) => {
      const s = value(params.logVariance[name]);
      return sum + 0.5 * (Math.exp(-s) * weights[index] * value(terms[name]) + s);
    }, 0);
    expect(value(total)).toBeCloseTo(expected, 4);
  });

  it("rests where s is log(w L)", () => {
    const made = objective(kdcMae, uncertainty());
    const { terms } = made.compute(evidence, onDevice(made.initParams()));
    const atRest = names.map((name, index) => tf.scalar(Math.log(weights[index] * value(terms[name]))));
    const gradients = tf.grads(
      (...s: tf.Tensor[]) =>
        made.compute(evidence, { logVariance: Object.fromEntries(names.map((name, i) => [name, s[i]])) }).total,
    )(atRest);
    for (const gradient of gradients) expect(value(gradient)).toBeCloseTo(0, 5);
  });

  it("leaves a term of weight 0 alone", () => {
    const made = objective([{ term: "contrastive", weight: 0 }, { term: "reconstruction-audio" }], uncertainty());
    const params = made.initParams();
    expect(Object.keys(params.logVariance)).toEqual(["reconstruction-audio"]);
    const { total, terms } = made.compute(evidence, onDevice(params));
    expect(value(total)).toBeCloseTo(0.5 * value(terms["reconstruction-audio"]), 5);
  });
});

describe("learned", () => {
  it("starts at the fixed objective", () => {
    const made = objective(kdcMae, learned());
    expect(value(made.compute(evidence, onDevice(made.initParams())).total)).toBeCloseTo(
      value(objective(kdcMae).compute(evidence).total),
      4,
    );
  });

  it("is n Σ softmax(score) w L, and trains every score", () => {
    const made = objective(kdcMae, learned());
    const params = onDevice(made.initParams(), 0.1);
    const { total, terms } = made.compute(evidence, params);
    const shares = names.map((name) => Math.exp(value(params.score[name])));
    const whole = shares.reduce((sum, share) => sum + share);
    const expected = names.reduce((sum, name, i) => sum + (4 * shares[i] * weights[i] * value(terms[name])) / whole, 0);
    expect(value(total)).toBeCloseTo(expected, 4);
    const gradients = tf.grads(
      (...scores: tf.Tensor[]) =>
        made.compute(evidence, { score: Object.fromEntries(names.map((name, i) => [name, scores[i]])) }).total,
    )(names.map((name) => params.score[name]));
    for (const gradient of gradients) expect(Math.abs(value(gradient))).toBeGreaterThan(1e-6);
  });
});

describe("trained weightings", () => {
  it("hand out fresh params each time, so that two runs do not train one memory", () => {
    const made = objective(kdcMae, uncertainty());
    made.initParams().logVariance.contrastive.data[0] = 5;
    expect(made.initParams().logVariance.contrastive.data[0]).toBe(0);
  });

  it("refuse to compute without their params", () => {
    expect(() => objective(kdcMae, uncertainty()).compute(evidence)).toThrow(
      'objective: the uncertainty weighting has no params for "logVariance.reconstruction-audio". Pass compute the trained copy of initParams()',
    );
  });
});
