import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { matrix } from "../matrix.js";
import { oneHot } from "./labels.js";
import { fitLinear, predictLinear } from "./linear-classifier.js";
import { fitLinearProbe, fitTaggingProbe, linearProbe } from "./linear-probe.js";
import { sigmoidLink, softmaxLink } from "./link.js";

const kinds = ["a", "b", "c", "d", "e"];
const width = 13;

/** Clips of five kinds around five centres, on badly scaled and one constant feature. */
function clips(count: number, seed: string, spread = 1) {
  const centres = createRng("centres");
  const centre = Float32Array.from({ length: kinds.length * width }, () => centres.normal());
  const rng = createRng(seed);
  const labels = Int32Array.from({ length: count }, () => rng.integer(kinds.length));
  const features = matrix(count, width);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < width; k++) {
      const value = centre[labels[i] * width + k] + spread * rng.normal();
      features.data[i * width + k] = k === 3 ? 5 : 10 ** (k % 4) * value + k;
    }
  }
  return { features, labels };
}

describe.each([softmaxLink, sigmoidLink])("fitLinear with $name", (link) => {
  it("stands at the bottom: no small change of a weight lowers the penalised loss", () => {
    const { features, labels } = clips(211, "train");
    const targets = oneHot(labels, kinds.length);
    const l2 = 0.01;
    const [{ classifier, converged }] = fitLinear(link, features, targets, [l2]);
    expect(converged).toBe(true);
    const deviation = Float64Array.from({ length: width }, (_, k) => {
      const column = Array.from({ length: 211 }, (_, i) => features.data[i * width + k]);
      const mean = column.reduce((sum, value) => sum + value, 0) / 211;
      return Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 211);
    });
    const penalised = (weight: Float32Array, bias: Float32Array) => {
      const changed = { ...classifier, weight: matrix(kinds.length, width, weight), bias };
      const predicted = predictLinear(changed, features);
      let value = 0;
      for (let i = 0; i < targets.data.length; i++) value += link.loss(targets.data[i], predicted.data[i]) / 211;
      for (let i = 0; i < weight.length; i++) value += (l2 / 2) * (weight[i] * deviation[i % width]) ** 2;
      return value;
    };
    const here = penalised(classifier.weight.data, classifier.bias);
    for (let i = 0; i < classifier.weight.data.length; i += 3) {
      for (const sign of [-1, 1]) {
        if (i % width === 3) continue;
        const moved = classifier.weight.data.slice();
        moved[i] += (sign * 0.05) / deviation[i % width];
        const bias = classifier.bias.slice();
        // The bias takes the mean's share, so that only the standardised weight moves.
        let mean = 0;
        for (let n = 0; n < 211; n++) mean += features.data[n * width + (i % width)] / 211;
        bias[Math.floor(i / width)] -= ((sign * 0.05) / deviation[i % width]) * mean;
        expect(penalised(moved, bias)).toBeGreaterThan(here - 1e-5);
      }
    }
  });
});

describe("linear probe", () => {
  it("learns what is there, beside the majority, and names its strength in the protocol", () => {
    const result = linearProbe({ kinds, train: clips(397, "train"), test: clips(199, "test") });
    expect(result.accuracy).toBeGreaterThan(0.9);
    expect(result.majority.accuracy).toBeLessThan(0.35);
    expect(result.tried.length).toBe(5);
    expect(result.protocol.notes.at(-1)).toContain(`l2 = ${result.l2}, chosen among 1, 0.1`);
  });

  it("chooses by recordings that it is not fitted on, since a window tells of the others", () => {
    // Labels that features say nothing of; five windows of each of 30 recordings, near copies of one another.
    const rng = createRng("windows");
    const [count, windows] = [30, 5];
    const recordings = Array.from({ length: count * windows }, (_, clip) => clip % count);
    const features = matrix(count * windows, 40);
    const one = Float32Array.from({ length: count * 40 }, () => rng.normal());
    for (const [clip, recording] of recordings.entries())
      for (let k = 0; k < 40; k++) features.data[clip * 40 + k] = one[recording * 40 + k] + 0.01 * rng.normal();
    const labels = recordings.map((recording) => recording % 2);
    const train = { features, labels };
    const best = (given: typeof train & { recordings?: readonly number[] }) => {
      const { tried, protocol } = linearProbe({ kinds: ["a", "b"], train: given, test: train });
      return { score: Math.max(...tried.map(({ score }) => score)), note: protocol.notes.at(-1) };
    };
    expect(best(train)).toMatchObject({ score: 1, note: expect.stringContaining("a fifth of the training clips, ") });
    const { score, note } = best({ ...train, recordings });
    expect(score).toBeLessThan(0.8);
    expect(note).toContain("a fifth of the training recordings, whose clips it is not fitted on");
  });

  it("gives the same weights twice", () => {
    const fit = () => fitLinearProbe({ kinds, train: clips(151, "t"), validation: clips(59, "v") }).classifier.weight;
    expect(fit()).toEqual(fit());
  });

  it("finds nothing in noise: shuffled labels stay near chance", () => {
    const train = clips(397, "train");
    const labels = createRng("shuffle")
      .permutation(397)
      .map((index) => train.labels[index]);
    const { accuracy } = linearProbe({ kinds, train: { ...train, labels }, test: clips(199, "test") });
    expect(accuracy).toBeLessThan(0.4);
  });

  it("takes several labels per clip", () => {
    const tagged = (seed: string) => {
      const { features, labels } = clips(199, seed);
      return { features, targets: oneHot(labels, kinds.length) };
    };
    const probe = fitTaggingProbe({ kinds, train: tagged("t"), validation: tagged("v") });
    expect(Math.max(...probe.tried.map(({ score }) => score))).toBeGreaterThan(0.95);
    expect(probe.classifier.link.name).toBe("sigmoid");
  });

  it("meets wrong use with words", () => {
    const train = clips(31, "train");
    expect(() => fitLinearProbe({ kinds, train: { ...train, labels: new Int32Array(31).fill(2) } })).toThrow(
      "fitLinearProbe: all 31 training clips are labelled c. Train on clips of at least two kinds",
    );
    expect(() => linearProbe({ kinds, train, test: { features: matrix(3, 7), labels: [0, 1, 2] } })).toThrow(
      "predictLinear: features has shape [3, 7], expected [N, D]: axis 1 (D) is 7, not 13",
    );
  });
});
