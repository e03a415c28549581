import type { Patches } from "@kdc-mae/core";
import { type EncoderParams, features, type ModelConfig } from "@kdc-mae/model";
import { mean, reshape, type Tensor } from "@tensorflow/tfjs-core";

type Inputs = { readonly params: { readonly encoder: EncoderParams<Tensor> }; readonly patches: Patches };
export type Moments = { readonly moments: Tensor; readonly tokens: Tensor };

/** Audio tokens averaged over frequency `[B, columns, D]`, and every visual token `[B, N, D]`. */
export const momentsFunction =
  (config: ModelConfig) =>
  ({ params, patches }: Inputs): Moments => {
    const { audio, visual } = features(config, params, patches);
    const { rows, columns } = config.audio;
    return { moments: mean(reshape(audio, [audio.shape[0], rows, columns, config.embedDim]), 1), tokens: visual };
  };

/** The columns whose middle lies within `near` seconds of a time; the nearest one where none does. */
export function columnsNear(time: number, columns: number, seconds: number, near = 0.5): readonly number[] {
  const middles = Array.from({ length: columns }, (_, at) => ((at + 0.5) * seconds) / columns);
  const around = [...middles.keys()].filter((at) => Math.abs(middles[at] - time) <= near);
  if (around.length > 0) return around;
  return [
    middles.reduce((best, middle, at) => (Math.abs(middle - time) < Math.abs(middles[best] - time) ? at : best), 0),
  ];
}

/** Mean of some rows of `[columns, D]`. */
export function meanRows(moments: Float32Array, rows: readonly number[], width: number): Float32Array {
  const sum = new Float32Array(width);
  for (const row of rows) for (let k = 0; k < width; k++) sum[k] += moments[row * width + k] / rows.length;
  return sum;
}
