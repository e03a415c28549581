import { matMul, reshape, type Tensor2D, type Tensor3D, tensor, tile } from "@tensorflow/tfjs-core";
import type { ModelConfig } from "./config.js";
import type { BlockSettings } from "./nn/block.js";
import { gridPlaces, type Nearness, nearness } from "./nn/nearness.js";
import type { Stream } from "./params.js";
import { oneHotPositions } from "./place.js";

/** Where the visual tokens of `samples` lie: at `visible [samples, K]`, or everywhere. */
function visualNearness(config: ModelConfig, samples: number, visible?: Tensor2D): Nearness | undefined {
  if (config.visualLocality === undefined) return undefined;
  const table = gridPlaces(config.visual);
  const [, N] = table.shape;
  if (visible === undefined)
    return nearness(tile(tensor(table.data, [1, N, 3]), [samples, 1, 1]), config.visualLocality);
  const K = visible.shape[1];
  const seats = reshape(oneHotPositions(visible, N), [samples * K, N]);
  const places = reshape(matMul(seats, tensor(table.data, [N, 3])), [samples, K, 3]);
  return nearness(places as Tensor3D, config.visualLocality);
}

/**
 * How the encoder's blocks run for each stream; those of the audio and the visual branch run as their stream does.
 *
 * @param samples how many samples go through the blocks
 * @param visible the visual patches that are seen, `[samples, K]` int32; all unless given
 */
export function streamSettings(
  config: ModelConfig,
  samples: number,
  visible?: Tensor2D,
): Readonly<Record<Stream, BlockSettings>> {
  const everywhere = { heads: config.heads, epsilon: config.layerNormEpsilon };
  return {
    joint: everywhere,
    audio: everywhere,
    visual: { ...everywhere, near: visualNearness(config, samples, visible) },
  };
}
