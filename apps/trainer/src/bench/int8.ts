import type { FloatTensor, HostPatches, Stream } from "@kdc-mae/core";
import { bind, trace, weightsInt8 } from "@kdc-mae/engine";
import { createProgram } from "@kdc-mae/engine/node";
import type { ModelConfig } from "@kdc-mae/model";
import { embedFunction, type WithEncoder } from "../pipeline/evaluate/embedding.js";
import { type Timed, timed } from "./timed.js";

/** Cosine of two rows of D numbers. */
const cosine = (a: Float32Array, b: Float32Array): number => {
  let [ab, aa, bb] = [0, 0, 0];
  for (const [i, x] of a.entries()) {
    ab += x * b[i];
    aa += x * x;
    bb += b[i] * b[i];
  }
  return ab / Math.sqrt(aa * bb);
};

/** The smallest cosine between rows of the same place in `[B, D]` and `[B, D]`. */
export function smallestCosine(a: FloatTensor, b: FloatTensor): number {
  const [B, D] = a.shape;
  const row = ({ data }: FloatTensor, i: number) => data.subarray(i * D, (i + 1) * D);
  return Math.min(...Array.from({ length: B }, (_, i) => cosine(row(a, i), row(b, i))));
}

/** Embeds with weights in 8 bits, and compares with float32 embeddings of the same clips. */
export async function runInt8(
  work: { readonly steps: number; readonly warmup: number },
  config: ModelConfig,
  { encoder }: WithEncoder<FloatTensor>,
  patches: HostPatches,
  onRepetition: (soFar: Timed) => void,
): Promise<Timed> {
  const params = { encoder };
  const start = performance.now();
  const traced = trace(embedFunction(config), { params, patches });
  const bound = bind(traced, "params", params);
  const inputs = { patches };
  type Pooled = Readonly<Record<Stream, FloatTensor>>;
  const program = await createProgram(weightsInt8(bound));
  const building = (performance.now() - start) / 1000;
  try {
    const measured = await timed(
      work,
      () => program.run(inputs),
      (soFar) => onRepetition({ ...soFar, building }),
    );
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    const ours = (await program.run(inputs)) as Pooled;
    const exact = await createProgram(bound);
    const theirs = (await exact.run(inputs)) as Pooled;
    await exact.dispose();
    const streams = ["audio", "visual", "joint"] as const;
    return {
      ...measured,
      building,
      peakBytes,
      cosine: Math.min(...streams.map((s) => smallestCosine(ours[s], theirs[s]))),
    };
  } finally {
    await program.dispose();
  }
}
