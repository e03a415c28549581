import { createRng, type Evidence } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { exampleEvidence } from "../example-evidence.js";
import { type DistillationOptions, distillationPerClip, viewDistillation } from "./view-distillation.js";

const divergences = ["js", "kl", "reverse-kl", "symmetric-kl", "mse", "mmd"] as const;
const value = (evidence: Evidence, options?: DistillationOptions): number =>
  tf.tidy(() => viewDistillation.compute(evidence, options).dataSync()[0]);

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("viewDistillation", () => {
  it.each(divergences)("%s: 0 when all views agree, above 0 otherwise", (divergence) => {
    const evidence = exampleEvidence(createRng(1));
    const agreeing = { ...evidence, views: evidence.views.map(() => evidence.views[0]) };
    expect(value(agreeing, { divergence })).toBe(0);
    expect(value(evidence, { divergence })).toBeGreaterThan(1e-3);
  });

  it("is the mean over all pairs of views", () => {
    const evidence = exampleEvidence(createRng(2));
    const pair = (i: number, j: number) => value({ ...evidence, views: [evidence.views[i], evidence.views[j]] });
    expect(value(evidence)).toBeCloseTo((pair(0, 1) + pair(0, 2) + pair(1, 2)) / 3, 6);
  });

  it("adds the streams up", () => {
    const evidence = exampleEvidence(createRng(3));
    const each = (["joint", "audio", "visual"] as const).map((stream) => value(evidence, { streams: [stream] }));
    expect(value(evidence, { streams: ["joint", "audio", "visual"] })).toBeCloseTo(each[0] + each[1] + each[2], 5);
  });

  it("holding targets still changes the gradient and not the value", () => {
    const evidence = exampleEvidence(createRng(4), { views: 2 });
    const gradient = (target: "both" | "stop-gradient") =>
      tf.grad((joint) => {
        const [first, second] = evidence.views;
        const replaced = { ...first, encoded: { ...first.encoded, joint: joint as tf.Tensor3D } };
        return viewDistillation.compute({ ...evidence, views: [replaced, second] }, { target });
      })(evidence.views[0].encoded.joint);
    expect(value(evidence, { target: "stop-gradient" })).toBeCloseTo(value(evidence), 6);
    const [held, free] = [gradient("stop-gradient").dataSync(), gradient("both").dataSync()];
    // Each ordered pair counts half: the student's own half of the published gradient is what is left.
    for (const [index, x] of held.entries()) expect(x).toBeCloseTo(free[index] / 2, 6);
  });

  it("a teacher who agrees with the other views gives what stop-gradient gives", () => {
    const evidence = exampleEvidence(createRng(5));
    const teacher = evidence.views.map(({ encoded }) => encoded);
    expect(value({ ...evidence, teacher }, { divergence: "kl", target: "teacher" })).toBeCloseTo(
      value(evidence, { divergence: "kl", target: "stop-gradient" }),
      5,
    );
  });

  it("kl and reverse-kl differ, and their mean is symmetric-kl", () => {
    const evidence = exampleEvidence(createRng(6));
    const of = (divergence: "kl" | "reverse-kl" | "symmetric-kl") => value(evidence, { divergence });
    expect(of("kl")).not.toBeCloseTo(of("reverse-kl"), 3);
    expect(of("symmetric-kl")).toBeCloseTo((of("kl") + of("reverse-kl")) / 2, 5);
  });

  it("gives one value per clip", () => {
    expect(distillationPerClip(exampleEvidence(createRng(7), { clips: 5 })).shape).toEqual([5]);
  });

  it.each<[string, DistillationOptions, string]>([
    [
      "divergence",
      { divergence: "hellinger" as "js" },
      'the divergence "hellinger" is not known. Use one of js, kl, reverse-kl, symmetric-kl, mse, mmd',
    ],
    [
      "distribution",
      { distribution: "sparsemax" as "softmax" },
      'the distribution "sparsemax" is not known. Use one of shift-and-sum, softmax',
    ],
    [
      "target",
      { target: "nobody" as "both" },
      'the target "nobody" is not known. Use one of both, stop-gradient, teacher',
    ],
    ["stream", { streams: ["text" as "joint"] }, 'the stream "text" is not known. Use one of joint, audio, visual'],
    ["no streams", { streams: [] }, "the streams are []. Name at least one of joint, audio, visual, each once"],
    ["a stream twice", { streams: ["joint", "joint"] }, "the streams are [joint, joint]"],
    ["temperature", { distribution: "softmax", temperature: 0 }, "the temperature is 0. Use a number above 0"],
    [
      "useless temperature",
      { temperature: 2 },
      "the temperature is 2. shift-and-sum has none: leave it out or use softmax",
    ],
  ])("refuses a bad %s before anything is computed", (_, options, message) => {
    expect(() => viewDistillation.needs(options)).toThrow(`view-distillation: ${message}`);
  });

  it("refuses one view, and a missing or unlike teacher", () => {
    const evidence = exampleEvidence(createRng(8));
    expect(() => value({ ...evidence, views: evidence.views.slice(1, 2) })).toThrow(
      "loss term view-distillation: it needs at least 2 views and the evidence has 1. Mask with more views, or leave this term out",
    );
    const { teacher, ...untaught } = evidence;
    expect(() => value(untaught, { target: "teacher" })).toThrow(
      "it compares with a teacher and the evidence has none. Keep a moving-average teacher in the experiment, or choose another target",
    );
    expect(() => value({ ...evidence, teacher: teacher?.slice(1) }, { target: "teacher" })).toThrow(
      "the teacher encoded 2 views of 3. Give the teacher the same views as the student",
    );
  });
});
