import { createRng, mapTree } from "@kdc-mae/core";
import { selectBackend } from "@kdc-mae/engine";
import { features, initModel, presets } from "@kdc-mae/model";
import * as tf from "@tensorflow/tfjs-core";

export const program = async () => {
  await selectBackend("cpu"); // brings a backend and gradients
  const config = { ...presets.tiny, embedDim: 16, modalityDepth: 1 };
  const params = mapTree(initModel(config, createRng(1)), ({ data, shape }) => tf.tensor(data, shape));
  const patches = { audio: tf.ones([1, 48, 256]), visual: tf.ones([1, 64, 192]) };
  return { sum: tf.sum(tf.abs(features(config, params, patches).joint)).dataSync()[0] };
};
