import { createRng, type Evidence, mapTree, treeLeaves } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { avMae, kdcMae } from "./builtin.js";
import { exampleEvidence } from "./example-evidence.js";
import { type ObjectiveEntry, objective } from "./objective.js";
import type { ObjectiveParts } from "./parts.js";
import { learned } from "./weighting/learned.js";

const value = (x: tf.Tensor): number => x.dataSync()[0];
const clips = { clips: 5 };
let evidence: Evidence;
beforeAll(async () => {
  await tf.setBackend("cpu");
  evidence = exampleEvidence(createRng(3), clips);
});

const rows = (from: number, count: number): Evidence =>
  mapTree(evidence, (leaf: tf.Tensor) =>
    tf.slice(leaf, [from, ...leaf.shape.slice(1).map(() => 0)], [count, ...leaf.shape.slice(1)]),
  ) as Evidence;

/** Joined as a training step does: scalars to their mean over clips, all else one after another. */
const joined = (first: ObjectiveParts, second: ObjectiveParts, share: number): ObjectiveParts => {
  const others = new Map(treeLeaves<tf.Tensor>(second));
  return mapTree(first, (leaf: tf.Tensor, path) => {
    const other = others.get(path)!;
    return leaf.rank === 0 ? tf.add(tf.mul(leaf, share), tf.mul(other, 1 - share)) : tf.concat([leaf, other], 0);
  }) as ObjectiveParts;
};

const teacher: ObjectiveEntry = { term: "view-distillation", weight: 10, options: { target: "teacher" } };
const tokenwise: ObjectiveEntry = { term: "contrastive", name: "any token", options: { pooling: "max" } };
const cases: readonly (readonly [string, readonly ObjectiveEntry[]])[] = [
  ["the published objective", kdcMae],
  ["a teacher, and contrast both ways", [...avMae, { term: "contrastive", options: { direction: "both" } }, teacher]],
  ["one term that looks at every visual token, one that looks at their mean", [...kdcMae, tokenwise]],
  [
    "a statistic of the batch, and relations to a teacher",
    [{ term: "variance-covariance" }, { term: "teacher-relations" }],
  ],
  ["reconstruction alone", avMae],
];

describe("an objective in parts", () => {
  it.each(cases)("sees clips of two batches as one batch: %s", (_, entries) => {
    for (const made of [objective(entries), objective(entries, learned())]) {
      const params = mapTree(made.initParams(), () => tf.scalar(0.4)) as never;
      const whole = made.compute(evidence, params);
      const parts = joined(made.part(rows(0, 2)), made.part(rows(2, 3)), 2 / 5);
      const again = made.whole(parts, params);
      expect(Object.keys(again.terms)).toEqual(Object.keys(whole.terms));
      for (const name of made.names) expect(value(again.terms[name]), name).toBeCloseTo(value(whole.terms[name]), 5);
      expect(value(again.total)).toBeCloseTo(value(whole.total), 4);
    }
  });

  it("keeps nothing that no term needs", () => {
    const paths = (entries: readonly ObjectiveEntry[]) =>
      treeLeaves<tf.Tensor>(objective(entries).part(evidence))
        .map(([path]) => path)
        .filter((path) => /encoded|reconstruction|teacher|means/.test(path) && !/views\.[12]/.test(path));
    expect(paths(avMae)).toEqual(["means.reconstruction-audio", "means.reconstruction-visual"]);
    expect(paths([...avMae, { term: "contrastive" }]).slice(2)).toEqual([
      "evidence.views.0.encoded.audio",
      "evidence.views.0.encoded.visual",
    ]);
  });

  it("keeps a mean token where no term looks at more, and patches where one may", () => {
    const shapes = (entries: readonly ObjectiveEntry[]) =>
      Object.fromEntries(
        treeLeaves<tf.Tensor>(objective(entries).part(evidence))
          .filter(([path]) => /patches|views\.0\.encoded/.test(path))
          .map(([path, { shape }]) => [path.replace("evidence.", ""), shape]),
      );
    const { audio, joint } = evidence.views[0].encoded;
    const [, K, D] = evidence.views[0].encoded.visual.shape;
    expect([audio.shape[1], K, joint.shape[1]].every((count) => count > 1)).toBe(true);
    const means = { "views.0.encoded.audio": [5, 1, D], "views.0.encoded.visual": [5, 1, D] };
    expect(shapes(kdcMae)).toEqual({ ...means, "views.0.encoded.joint": [5, 1, D] });
    expect(shapes([{ term: "contrastive" }, tokenwise])).toEqual({ ...means, "views.0.encoded.visual": [5, K, D] });
    const own: ObjectiveEntry = {
      term: {
        name: "of my own",
        comparesClips: true,
        needs: () => ({ views: 1, encoded: ["audio"] }),
        compute: ({ views: [{ encoded }] }) => tf.mean(tf.square(encoded.audio)),
      },
    };
    expect(shapes([own, { term: "contrastive" }])).toEqual({
      ...{ "patches.audio": evidence.patches.audio.shape, "patches.visual": evidence.patches.visual.shape },
      ...{ "views.0.encoded.audio": audio.shape, "views.0.encoded.visual": [5, 1, D] },
    });
  });
});
