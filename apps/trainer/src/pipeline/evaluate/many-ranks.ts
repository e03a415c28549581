import type { FloatTensor } from "@kdc-mae/core";
import { createRunner, type Execute } from "@kdc-mae/engine";
import { type CrossModalRanks, crossModalRanksBy, type Matrix } from "@kdc-mae/eval";
import { matMul, type Tensor2D } from "@tensorflow/tfjs-core";

type Pair = { readonly params: Tensor2D; readonly right: Tensor2D };

/** From so many clips on, the engine multiplies: below, making its program takes longer than it saves. */
const MANY = 4000;

/** Rows with rows on the engine, all its threads at work; undefined for few clips, whose ranks are counted without. */
export async function manyRanks(audio: Matrix, visual: Matrix, execute: Execute): Promise<CrossModalRanks | undefined> {
  if (audio.shape[0] < MANY) return undefined;
  const product = ({ params, right }: Pair) => ({ product: matMul(params, right, false, true) });
  const runner = createRunner(execute, product);
  const host = ({ shape, data }: Matrix): FloatTensor => ({ dtype: "float32", shape, data });
  try {
    return await crossModalRanksBy(audio, visual, async (left, right) => {
      const { product: made } = await runner.run(host(left), { right: host(right) });
      return made as Matrix;
    });
  } finally {
    await runner.dispose();
  }
}
