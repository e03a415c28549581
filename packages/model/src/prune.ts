import { type FloatTensor, float32, KdcError, type Stream } from "@kdc-mae/core";
import type { KeptOfBlock, ModelConfig } from "./config.js";
import type { Attention } from "./nn/attention.js";
import type { Mlp } from "./nn/block.js";
import type { EncoderParams } from "./params.js";

/** How much is taken out of every block: shares of what it has, from 0 to below 1. One head and one unit always stay. */
export type PruneShares = { readonly heads: number; readonly units: number };

type Layers = { readonly attention: Attention<FloatTensor>; readonly mlp: Mlp<FloatTensor> };

/** Sums of squares of some rows. */
const squaresOfRows = ({ data, shape }: FloatTensor, rows: readonly number[]): number => {
  const width = data.length / shape[0];
  return rows.reduce((sum, row) => {
    for (let at = row * width; at < (row + 1) * width; at++) sum += data[at] ** 2;
    return sum;
  }, 0);
};

const squaresOfColumns = ({ data, shape: [rows, columns] }: FloatTensor, from: number, count: number): number => {
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    for (let at = row * columns + from; at < row * columns + from + count; at++) sum += data[at] ** 2;
  }
  return sum;
};

const someRows = ({ data, shape }: FloatTensor, rows: readonly number[]): FloatTensor => {
  const width = data.length / shape[0];
  const out = float32([rows.length, ...shape.slice(1)]);
  for (const [at, row] of rows.entries()) out.data.set(data.subarray(row * width, (row + 1) * width), at * width);
  return out;
};

const someColumns = ({ data, shape: [rows, columns] }: FloatTensor, kept: readonly number[]): FloatTensor => {
  const out = float32([rows, kept.length]);
  for (let row = 0; row < rows; row++) {
    for (const [at, column] of kept.entries()) out.data[row * kept.length + at] = data[row * columns + column];
  }
  return out;
};

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, at) => from + at);

/** The places of the largest scores, in order; all but a share of them, and one at least. */
function largest(scores: readonly number[], share: number): number[] {
  const count = Math.max(1, Math.round(scores.length * (1 - share)));
  return range(0, scores.length)
    .sort((a, b) => scores[b] - scores[a] || a - b)
    .slice(0, count)
    .sort((a, b) => a - b);
}

/**
 * One block's layers without the heads and units whose weights are smallest. A head weighs by the norm of all that makes
 * it and takes it up: its rows of queries, keys and values with their biases, its columns of the projection; a unit by its row
 * of the first layer, its bias, and its column of the second.
 */
function prunedBlock<Params extends Layers>(
  params: Params,
  width: number,
  shares: PruneShares,
): { readonly params: Params; readonly heads: readonly number[]; readonly units: number } {
  const { qkv, projection } = params.attention;
  const { expand, contract } = params.mlp;
  const all = qkv.weight.shape[0] / 3;
  const rowsOf = (head: number) => [0, 1, 2].flatMap((part) => range(part * all + head * width, width));
  const headScores = range(0, all / width).map((head) => {
    const rows = rowsOf(head);
    const biases = qkv.bias === undefined ? 0 : squaresOfRows(qkv.bias, rows);
    return squaresOfRows(qkv.weight, rows) + biases + squaresOfColumns(projection.weight, head * width, width);
  });
  const heads = largest(headScores, shares.heads);
  const unitScores = range(0, expand.weight.shape[0]).map(
    (unit) =>
      squaresOfRows(expand.weight, [unit]) + expand.bias.data[unit] ** 2 + squaresOfColumns(contract.weight, unit, 1),
  );
  const units = largest(unitScores, shares.units);
  // Queries of all heads come first, then keys, then values.
  const rows = [0, 1, 2].flatMap((part) => heads.flatMap((head) => range(part * all + head * width, width)));
  const columns = heads.flatMap((head) => range(head * width, width));
  return {
    heads,
    units: units.length,
    params: {
      ...params,
      attention: {
        qkv: {
          weight: someRows(qkv.weight, rows),
          ...(qkv.bias === undefined ? {} : { bias: someRows(qkv.bias, rows) }),
        },
        projection: { ...projection, weight: someColumns(projection.weight, columns) },
      },
      mlp: {
        expand: { weight: someRows(expand.weight, units), bias: someRows(expand.bias, units) },
        contract: { ...contract, weight: someColumns(contract.weight, units) },
      },
    },
  };
}

/**
 * Takes whole attention heads and whole MLP units out of an encoder, in every block those whose weights are smallest
 * (magnitude pruning, Li et al. 2017, of the groups that Michel et al. 2019 call heads): what is left is a smaller model, with
 * smaller matrices and no zeros in them. May be repeated.
 *
 * @returns the config, which says what is left, and the encoder
 * @throws KdcError (`option`) for shares that are none
 *
 * @example
 * ```ts
 * import { createRng } from "@kdc-mae/core";
 * import { initModel, presets, pruneEncoder } from "@kdc-mae/model";
 *
 * const model = initModel(presets.tiny, createRng(1));
 * const { config, encoder } = pruneEncoder(presets.tiny, model.encoder, { heads: 0.5, units: 0.5 });
 * const smaller = { ...model, encoder }; // of the sizes that config says
 * ```
 */
export function pruneEncoder(
  config: ModelConfig,
  encoder: EncoderParams<FloatTensor>,
  shares: PruneShares,
): { readonly config: ModelConfig; readonly encoder: EncoderParams<FloatTensor> } {
  for (const [name, share] of Object.entries(shares)) {
    if (share >= 0 && share < 1) continue;
    throw new KdcError({
      where: "prune",
      what: `${share} is not a share of ${name} that can be taken out`,
      remedy: "Give 0 (none) to below 1",
      reason: "option",
    });
  }
  const width = config.embedDim / config.heads;
  const stackOf = <Params extends Layers>(name: Stream, blocks: readonly Params[]) => {
    const made = blocks.map((params) => prunedBlock(params, width, shares));
    const kept = made.map(({ heads, units }, at): KeptOfBlock => {
      // Numbers among the model's heads, where some were gone before.
      const before = config.pruned?.[name][at]?.heads;
      return { heads: before === undefined ? heads : heads.map((head) => before[head]), units };
    });
    return { kept, params: made.map(({ params }) => params) };
  };
  const [audio, visual] = [stackOf("audio", encoder.audio.blocks), stackOf("visual", encoder.visual.blocks)];
  const joint = stackOf("joint", encoder.joint.blocks);
  return {
    config: { ...config, pruned: { audio: audio.kept, visual: visual.kept, joint: joint.kept } },
    encoder: {
      ...encoder,
      audio: { ...encoder.audio, blocks: audio.params },
      visual: { ...encoder.visual, blocks: visual.params },
      joint: { ...encoder.joint, blocks: joint.params },
    },
  };
}
