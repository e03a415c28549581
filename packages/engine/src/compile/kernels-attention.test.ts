import { createRng, fusedKernels } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { compile } from "../onnxruntime/compile.js";
import { expectClose, uniform } from "../parity.test.support.js";
import { eager } from "../run/eager.js";
import { runtimeForTests } from "../webgpu/adapter.test.support.js";
import { attentionRules } from "./kernels-attention.js";

type Stack = tf.Tensor3D;
type Inputs = { q: Stack; k: Stack; v: Stack; dy: Stack };

/** Through the kernels, as a model asks for them. */
const fused = ({ q, k, v, dy }: Inputs) => {
  const { runKernel } = { runKernel: (name: string, given: object) => tf.engine().runKernel(name, given as never) };
  const y = runKernel(fusedKernels.attention, { q, k, v }) as Stack;
  const [dq, dk, dv] = runKernel(fusedKernels.attentionGradient, { q, k, v, y, dy }) as Stack[];
  return { y, dq, dk, dv };
};

/** Through tfjs operations and their gradients. */
const plain = ({ q, k, v, dy }: Inputs) => {
  const attend = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor) => tf.matMul(tf.softmax(tf.matMul(a, b, false, true)), c);
  const { value, grads } = tf.valueAndGrads(attend)([q, k, v], dy);
  return { y: value as Stack, dq: grads[0] as Stack, dk: grads[1] as Stack, dv: grads[2] as Stack };
};

const runtime = await runtimeForTests();

describe("attention", () => {
  const rng = createRng(6);
  const inputs = {
    q: uniform(rng, [12, 5, 3], 2),
    k: uniform(rng, [12, 7, 3], 2),
    v: uniform(rng, [12, 7, 2]),
    dy: uniform(rng, [12, 5, 2]),
  };

  // Score matrices have 35 numbers: all twelve at once, two at a time, one at a time.
  it.each([
    [1000, 1],
    [75, 6],
    [1, 12],
  ])("with %i scores cached works in %i groups and equals tfjs", async (cached, groups) => {
    const program = await compile(fused, inputs, { rules: attentionRules(cached) });
    const softmaxes = program.graph.nodes.filter(({ op }) => op === "Softmax").length;
    expect(softmaxes).toBe(groups === 1 ? 1 : 2 * groups);
    const wanted = await (await eager("cpu"))(plain, inputs);
    expectClose(await program.run(inputs), await wanted.run(inputs));
    await program.dispose();
  });

  it.skipIf(runtime === undefined)("on WebGPU equals tfjs", async () => {
    const program = await runtime!.execute(fused, inputs);
    const wanted = await (await eager("cpu"))(plain, inputs);
    expectClose(await program.run(inputs), await wanted.run(inputs));
    await program.dispose();
  });
});
