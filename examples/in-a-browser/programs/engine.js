import { float32 } from "@kdc-mae/core";
import { adam, createTrainStep, eager, onnxModel, trace } from "@kdc-mae/engine";
import * as tf from "@tensorflow/tfjs-core";

/** A line fitted by gradients: forty steps, operation by operation. */
export const program = async () => {
  const loss = ({ w }, { x, y }) => {
    const fit = tf.mean(tf.squaredDifference(tf.matMul(x, w, false, true), y));
    return { total: fit, terms: { fit } };
  };
  const train = createTrainStep(eager("cpu"), loss, adam());
  const state = train.init({ w: float32([1, 2]) });
  const batch = {
    x: float32([3, 2], Float32Array.of(1, 0, 0, 1, 1, 1)),
    y: float32([3, 1], Float32Array.of(2, -1, 1)),
  };
  let report;
  for (let i = 0; i < 40; i++) report = await train.step(state, batch, 0.05);
  const { graph } = trace(({ x }) => ({ y: tf.softmax(x) }), { x: float32([2, 3]) });
  return { w: [...state.params.w.data], total: report.total, bytes: onnxModel(graph).length };
};
