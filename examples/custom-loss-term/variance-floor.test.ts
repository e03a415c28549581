import { createRng } from "@kdc-mae/core";
import { entry, kdcMae, objective } from "@kdc-mae/losses";
import { checkLossTerm, exampleEvidence } from "@kdc-mae/losses/testing";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { varianceFloor } from "./variance-floor.js";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("a loss term from another package", () => {
  it("passes the suite that the built-in terms pass", () => {
    expect(checkLossTerm(varianceFloor, { options: { floor: 2 } })).toEqual([]);
  });

  it("stands in an objective beside them", () => {
    const made = objective([...kdcMae, entry({ term: varianceFloor, weight: 0.5, options: { floor: 2 } })]);
    const report = made.compute(exampleEvidence(createRng(1)));
    const published = objective(kdcMae).compute(exampleEvidence(createRng(1)));
    const [mine] = report.terms["variance-floor"].dataSync();
    expect(mine).toBeGreaterThan(0);
    expect(report.total.dataSync()[0]).toBeCloseTo(published.total.dataSync()[0] + 0.5 * mine, 4);
  });

  it("is largest when all clips look alike, and 0 when they are far apart", () => {
    const { views, ...rest } = exampleEvidence(createRng(2), { views: 1 });
    const scaled = (by: number) => {
      const [view] = views;
      const joint = tf.mul<tf.Tensor3D>(view.encoded.joint, by);
      return varianceFloor
        .compute({ ...rest, views: [{ ...view, encoded: { ...view.encoded, joint } }] })
        .dataSync()[0];
    };
    expect(scaled(0)).toBeCloseTo(1 - Math.sqrt(1e-4), 5);
    expect(scaled(1000)).toBe(0);
  });

  it("refuses a floor of 0 when the objective is made", () => {
    expect(() => objective([entry({ term: varianceFloor, options: { floor: 0 } })])).toThrow(
      "variance-floor: the floor is 0. Use a number above 0, such as 1",
    );
  });
});
