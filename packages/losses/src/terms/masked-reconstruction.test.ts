import { createRng, type ViewEvidence } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { exampleEvidence } from "../example-evidence.js";
import { audioReconstruction, normalizePatches, visualReconstruction } from "./masked-reconstruction.js";

const value = (x: tf.Tensor): number => x.dataSync()[0];
const evidence = () => exampleEvidence(createRng(1));

/** The same by loops: mean over clips and hidden patches, sum over views. */
function byLoops(views: readonly ViewEvidence[], modality: "audio" | "visual", target: number[][][]): number {
  return views.reduce((total, { view, reconstruction }) => {
    const predicted = reconstruction[modality].arraySync();
    const hidden = view[modality].hidden.arraySync();
    const errors = hidden.flatMap((positions, clip) =>
      positions.map((position) => {
        const square = target[clip][position].map((x, i) => (x - predicted[clip][position][i]) ** 2);
        return square.reduce((sum, next) => sum + next) / square.length;
      }),
    );
    return total + errors.reduce((sum, next) => sum + next) / errors.length;
  }, 0);
}

function normalized(patch: number[]): number[] {
  const mean = patch.reduce((sum, x) => sum + x) / patch.length;
  const variance = patch.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (patch.length - 1);
  return patch.map((x) => (x - mean) / Math.sqrt(variance + 1e-6));
}

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("masked reconstruction", () => {
  it("is the mean squared error of hidden patches, summed over views", () => {
    const { patches, views } = evidence();
    expect(value(audioReconstruction.compute(evidence()))).toBeCloseTo(
      byLoops(views, "audio", patches.audio.arraySync()),
      4,
    );
    expect(value(visualReconstruction.compute(evidence()))).toBeCloseTo(
      byLoops(views, "visual", patches.visual.arraySync()),
      4,
    );
  });

  it("normPixels compares with normalised patches", () => {
    const { patches, views } = evidence();
    const target = patches.audio.arraySync().map((clip) => clip.map(normalized));
    expect(value(audioReconstruction.compute(evidence(), { normPixels: true }))).toBeCloseTo(
      byLoops(views, "audio", target),
      4,
    );
  });

  it("normalises each patch to mean 0 and unbiased variance 1, and a flat patch to 0", () => {
    const patches = tf.concat(
      [exampleEvidence(createRng(2)).patches.visual.slice([0, 0, 0], [1, 2, 17]), tf.fill([1, 1, 17], 3)],
      1,
    );
    const [first, , flat] = (normalizePatches(patches as tf.Tensor3D).arraySync() as number[][][])[0];
    expect(first.reduce((sum, x) => sum + x)).toBeCloseTo(0, 4);
    expect(first.reduce((sum, x) => sum + x * x, 0) / 16).toBeCloseTo(1, 4);
    expect(flat).toEqual(new Array(17).fill(0));
  });

  it("what was visible earns nothing: no gradient there", () => {
    const { patches, views } = exampleEvidence(createRng(4), { views: 1 });
    const [view] = views;
    const gradient = tf.grad((prediction) =>
      audioReconstruction.compute({
        patches,
        views: [{ ...view, reconstruction: { ...view.reconstruction, audio: prediction as tf.Tensor3D } }],
      }),
    )(view.reconstruction.audio);
    const perPatch = tf.sum(tf.abs(gradient), 2).arraySync() as number[][];
    for (const [clip, positions] of view.view.audio.visible.arraySync().entries()) {
      for (const position of positions) expect(perPatch[clip][position]).toBe(0);
    }
    for (const [clip, positions] of view.view.audio.hidden.arraySync().entries()) {
      for (const position of positions) expect(perPatch[clip][position]).toBeGreaterThan(0);
    }
  });

  it("refuses a reconstruction of another shape", () => {
    const { patches, views } = evidence();
    expect(() => audioReconstruction.compute({ patches: { ...patches, audio: patches.visual }, views })).toThrow(
      "reconstruction-audio: the audio reconstruction has shape [3, 11, 7], expected [B, N, P]",
    );
  });
});
