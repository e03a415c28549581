import { sizeOf } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { reshape } from "./arithmetic.js";
import type { Value } from "./graph-builder.js";
import type { KernelCall, KernelRule, KernelRules } from "./kernel-rule.js";
import { transpose } from "./kernels-shape.js";
import { slicingRules } from "./kernels-slicing.js";

type Amounts = readonly (readonly [number, number])[];
const { getReshaped, getPermuted, getReshapedPermuted, getSliceBeginCoords, getSliceSize } = tf.backend_util;

/** Taken apart into `blockShape`, axes moved, put together again: `toSpace` from the batch, or the way back. */
const moveBlocks = ({ attributes: { blockShape }, graph }: KernelCall, x: Value, toSpace: boolean): Value => {
  const [shape, size] = [[...x.shape], sizeOf(blockShape)];
  const apart = getReshaped(shape, blockShape, size, toSpace);
  const moved = transpose(graph, reshape(graph, x, apart), getPermuted(apart.length, blockShape.length, toSpace));
  return reshape(graph, moved, getReshapedPermuted(shape, blockShape, size, toSpace));
};

/** x padded; every cell of a block of the axes after the first becomes a batch entry of its own. */
const spaceToBatch: KernelRule = (call) => {
  const { x } = call.inputs;
  const given = call.attributes.paddings as Amounts;
  const paddings = x.shape.map((_, axis) => given[axis - 1] ?? [0, 0]);
  const attributes = { paddings, constantValue: 0 };
  return moveBlocks(call, slicingRules.PadV2({ ...call, attributes }) as Value, false);
};

/** The reverse, and then the borders cut off. */
const batchToSpace: KernelRule = (call) => {
  const { blockShape, crops } = call.attributes;
  const x = moveBlocks(call, call.inputs.x, true);
  const begin = getSliceBeginCoords(crops, blockShape.length);
  const size = getSliceSize([...x.shape], crops, blockShape.length);
  return slicingRules.Slice({ ...call, inputs: { x }, attributes: { begin, size } });
};

/** Blocks of space moved into the batch, and back. */
export const blockRules: KernelRules = {
  SpaceToBatchND: spaceToBatch,
  BatchToSpaceND: batchToSpace,
};
