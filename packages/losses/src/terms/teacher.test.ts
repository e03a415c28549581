import type { Encoded, Evidence } from "@kdc-mae/core";
import { createRng } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { checkLossTerm, exampleEvidence } from "../testing.js";
import { relationsOf, teacherCosine, teacherRelations } from "./teacher.js";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const value = (scalar: tf.Scalar) => scalar.dataSync()[0];
/** Evidence whose one view and teacher have these embeddings in every stream. */
const evidenceOf = (student: number[][], teacher: number[][]): Evidence => {
  const encoded = (rows: number[][]): Encoded => {
    const tokens = tf.tensor3d(rows.map((row) => [row]));
    return { joint: tokens, audio: tokens, visual: tokens };
  };
  const example = exampleEvidence(createRng(1), { clips: student.length, views: 1 });
  return { ...example, views: [{ ...example.views[0], encoded: encoded(student) }], teacher: [encoded(teacher)] };
};

describe("terms of a teacher", () => {
  it.each([{}, { streams: ["audio"] as const }])("pass the suite with %j", (options) => {
    expect(checkLossTerm(teacherCosine, { options })).toEqual([]);
    expect(checkLossTerm(teacherRelations, { options })).toEqual([]);
    expect(checkLossTerm(teacherRelations, { options: { ...options, distance: 3, angle: 0.5 } })).toEqual([]);
  });

  it("cosine: 1 less the cosine of the mean tokens", () => {
    // Cosines 1, 0, −1 and 24/25.
    const evidence = evidenceOf(
      [
        [3, 0],
        [0, 2],
        [1, 1],
        [3, 4],
      ],
      [
        [5, 0],
        [7, 0],
        [-2, -2],
        [4, 3],
      ],
    );
    expect(value(teacherCosine.compute(evidence))).toBeCloseTo((0 + 1 + 2 + 1 / 25) / 4, 6);
  });

  it("relations: by hand, of three clips", () => {
    // A right angle at the first, sides 3 and 4, so distances 3, 4, 5 with mean 4.
    const student = [
      [0, 0],
      [3, 0],
      [0, 4],
    ];
    const { distances, angles } = relationsOf(tf.tensor2d(student));
    expect([...distances.dataSync()].map((one) => Math.round(1000 * one) / 1000)).toEqual([
      0, 0.75, 1, 0.75, 0, 1.25, 1, 1.25, 0,
    ]);
    const at = (i: number, j: number, k: number) => angles.arraySync()[i][j][k];
    expect([at(0, 1, 2), at(1, 0, 2), at(2, 0, 1)].map((one) => Math.round(1e4 * one) / 1e4)).toEqual([0, 0.6, 0.8]);
    // The teacher's are equally far: all distances 1, all cosines 1/2. On the diagonal j = k every cosine is 1 in both.
    const half = Math.sqrt(3) / 2;
    const teacher = [
      [0, 0],
      [1, 0],
      [0.5, half],
    ];
    const pairs = (2 * (0.25 ** 2 / 2 + 0.25 ** 2 / 2)) / 9;
    const triples = (2 * (0.5 ** 2 + 0.1 ** 2 + 0.3 ** 2)) / 2 / 27;
    const made = value(teacherRelations.compute(evidenceOf(student, teacher), { distance: 3, angle: 5 }));
    expect(made).toBeCloseTo(3 * pairs + 5 * triples, 6);
    // Turned, moved, made larger, in more channels: the same relations.
    const same = student.map(([x, y]) => [7 - 2 * y, 1 + 2 * x, 4]);
    expect(value(teacherRelations.compute(evidenceOf(student, same)))).toBeCloseTo(0, 6);
  });

  it("are large differences no more than their distance (Huber), and clips that are alike no trouble", () => {
    const far = value(
      teacherRelations.compute(
        evidenceOf(
          [
            [0, 0],
            [0, 0],
            [9, 0],
          ],
          [
            [0, 0],
            [9, 0],
            [9, 0],
          ],
        ),
      ),
    );
    expect(Number.isFinite(far)).toBe(true);
    const derive = tf.grad((given: tf.Tensor) => {
      const x = given as tf.Tensor3D;
      const evidence = evidenceOf(
        [
          [0, 0],
          [0, 0],
          [1, 0],
        ],
        [
          [0, 1],
          [2, 0],
          [1, 0],
        ],
      );
      const encoded = { joint: x, audio: x, visual: x };
      return teacherRelations.compute({ ...evidence, views: [{ ...evidence.views[0], encoded }] });
    });
    const gradient = derive(tf.tensor3d([[[0, 0]], [[0, 0]], [[1, 0]]])).dataSync();
    expect(gradient.every((one) => Math.abs(one) < 10)).toBe(true);
  });
});
