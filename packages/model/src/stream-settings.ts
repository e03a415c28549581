import type { Modality, Stream } from "@kdc-mae/core";
import { matMul, reshape, type Tensor2D, type Tensor3D, tensor, tile } from "@tensorflow/tfjs-core";
import type { ModelConfig } from "./config.js";
import type { BlockSettings, Keep } from "./nn/block.js";
import { gridPlaces, type Nearness, nearness, withPlaceless } from "./nn/nearness.js";
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

/** How the encoder's blocks run: those of each branch, and the joint blocks for each stream. */
export type EncoderSettings = {
  readonly branches: Readonly<Record<Modality, BlockSettings>>;
  readonly streams: Readonly<Record<Stream, BlockSettings>>;
  /** The joint blocks for streams without their global token. */
  readonly patchesAlone: Readonly<Record<Stream, BlockSettings>>;
};

/**
 * How the encoder's blocks run.
 *
 * @param samples how many samples go through the blocks
 * @param seen.visible the visual patches that are seen, `[samples, K]` int32; all unless given
 * @param seen.keep what of a block is kept for the gradient
 */
export function encoderSettings(
  config: ModelConfig,
  samples: number,
  { visible, keep }: { readonly visible?: Tensor2D; readonly keep?: Keep } = {},
): EncoderSettings {
  const everywhere = { heads: config.heads, epsilon: config.layerNormEpsilon, keep };
  const near = visualNearness(config, samples, visible);
  const globals = config.globalToken ? 1 : 0;
  const left = (stack: Stream) => config.pruned?.[stack].map(({ heads }) => heads);
  const visual = (before: number, after: number, stack: Stream): BlockSettings =>
    near === undefined ? everywhere : { ...everywhere, near: withPlaceless(near, before, after), left: left(stack) };
  return {
    branches: { audio: everywhere, visual: visual(globals, config.registers ?? 0, "visual") },
    streams: { joint: everywhere, audio: everywhere, visual: visual(globals, 0, "joint") },
    patchesAlone: { joint: everywhere, audio: everywhere, visual: visual(0, 0, "joint") },
  };
}
