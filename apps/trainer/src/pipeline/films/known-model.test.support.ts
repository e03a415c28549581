import { createRng, type FloatTensor, mapTree } from "@kdc-mae/core";
import { initClassifier, initModel } from "@kdc-mae/model";
import { withChanges } from "../experiment/change.js";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import { classes, config, statistics, tinyWith } from "../finetune/made-clips.test.support.js";
import type { Saved } from "../run/read-saved.js";

const experiment = checkExperiment(withChanges(named.demo, { name: "known" }), "test");

/** A pretrained model of random weights: 0.96 s of sound, pictures of 48 pixels in 4 × 4 patches. */
export const randomModel: Saved = {
  model: { config, params: initModel(config, createRng(7)), statistics, experiment },
};

/** A classifier of random weights. */
export const randomClassifier = (changes: Parameters<typeof tinyWith>[0] = {}): Saved => ({
  classifier: {
    ...{ config, statistics, classes, weights: "random", experiment: tinyWith(changes) },
    params: initClassifier(config, classes.length, createRng(9)),
  },
});

/**
 * A model whose answer is known: it takes loud sound and red patches for the same thing, silence for the opposite, and
 * all its blocks do nothing. Where something is red and the sound is loud, the cosine is highest there.
 */
export function redIsLoud(): Saved {
  const filled = ({ shape, data }: FloatTensor, value: (row: number, column: number) => number): FloatTensor => {
    const columns = shape.length === 1 ? 1 : data.length / shape[0];
    return { dtype: "float32", shape, data: data.map((_, at) => value(Math.floor(at / columns), at % columns)) };
  };
  const sign = (row: number) => (row === 0 ? 1 : row === 1 ? -1 : 0);
  const params = mapTree(initModel(config, createRng(7)), (leaf: FloatTensor, path): FloatTensor => {
    if (/attention|mlp/.test(path) || /modality$/.test(path)) return filled(leaf, () => 0);
    // Loudness, and redness less blueness, each as a mean over the patch; and a direction that both have.
    if (path === "encoder.audio.patch.weight") return filled(leaf, (row) => (100 * sign(row)) / 256);
    if (path === "encoder.visual.patch.weight") {
      return filled(leaf, (row, column) => (100 * sign(row) * ([1, 0, -1][column % 3] ?? 0)) / 144);
    }
    if (/^encoder\.(audio|visual)\.patch\.bias$/.test(path)) return filled(leaf, (row) => 100 * sign(row - 2));
    return leaf;
  });
  return { model: { config, params, statistics, experiment } };
}
