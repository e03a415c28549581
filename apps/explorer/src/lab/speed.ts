import { countPatches, createRng, float32 } from "@kdc-mae/core";
import type { ModelConfig } from "@kdc-mae/model";
import { matMul, type Tensor2D } from "@tensorflow/tfjs-core";
import type { Engine } from "./engine.js";

/** Of a step's time, what its largest products take where the rest is as usual: by the demo's recipe on wasm. */
const share = 0.25;

/**
 * How many steps a second are to be expected, from how fast a product of the model's own size is now.
 *
 * @param flop of one step
 */
export async function stepsPerSecond(
  engine: Engine,
  config: ModelConfig,
  batch: number,
  flop: number,
): Promise<number> {
  const [rows, D] = [batch * (countPatches(config.audio) + countPatches(config.visual)), config.embedDim];
  const rng = createRng("speed");
  const filled = (shape: [number, number]) =>
    float32(
      shape,
      Float32Array.from({ length: shape[0] * shape[1] }, () => rng.uniform()),
    );
  const inputs = { a: filled([rows, D]), b: filled([D, 4 * D]) };
  const program = await engine.execute(({ a, b }: { a: Tensor2D; b: Tensor2D }) => ({ c: matMul(a, b) }), inputs);
  try {
    await program.run(inputs);
    const start = performance.now();
    for (let time = 0; time < 3; time++) await program.run(inputs);
    const each = (performance.now() - start) / 3000;
    return (share * ((2 * rows * D * 4 * D) / each)) / flop;
  } finally {
    await program.dispose();
  }
}
