import { type Combination, combinations, reduceCore } from "./kernel-reduce.js";
import { extremeCore, largestCore, layerNormCore, runningSumCore, softmaxCore } from "./kernel-rows.js";
import { literal } from "./kernel-text.js";
import { axisOf, type Form, type Forms, shapeOfOperand, typeOf, whole } from "./lowering.js";
import { floatAttribute } from "./map-functions.js";

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);

const reduction =
  (how: Combination, mean = false): Form =>
  ({ node, inputs: [x], attributes, lowering }) => {
    const shape = shapeOfOperand(x);
    const given = node.inputs[1] ? lowering.numbers(node.inputs[1]) : shape.map((_, axis) => axis);
    const axes = given.map((axis) => axisOf(axis, shape.length));
    const keep = whole(attributes, "keepdims", 1) === 1;
    const left = shape.flatMap((size, axis) => (axes.includes(axis) ? (keep ? [1] : []) : [size]));
    const [count, type] = [product(axes.map((axis) => shape[axis])), typeOf(x)];
    if (count === 1 && !mean) return [lowering.reshape(x, left)];
    const core = reduceCore(x, axes, how);
    const reduced = { op: node.op, family: "reduction" as const, types: [type], operands: [x], core };
    const [sum] = lowering.outputs(lowering.node({ ...reduced, sizes: [product(left)] }), [left]);
    if (!mean) return [sum];
    return [lowering.map(left, type, [sum], (text, at) => `${text.operand(sum, at)} * ${literal(1 / count, type)}`)];
  };

const row = { family: "row", repeats: 2 } as const;

const softmax =
  (logarithm: boolean): Form =>
  ({ node, inputs: [x], attributes, lowering }) => {
    const shape = shapeOfOperand(x);
    const core = softmaxCore(x, axisOf(whole(attributes, "axis", -1), shape.length), logarithm);
    const asked = { ...row, op: node.op, sizes: [product(shape)], types: ["f32" as const], operands: [x], core };
    return lowering.outputs(lowering.node(asked), [shape]);
  };

const layerNorm: Form = ({ node, inputs: [x, gain, bias], attributes, lowering }) => {
  const shape = shapeOfOperand(x);
  if (axisOf(whole(attributes, "axis", -1), shape.length) !== shape.length - 1) throw lowering.refuse("several axes");
  const means = [...shape.slice(0, -1), 1];
  const operands = [x, gain, bias] as const;
  const core = layerNormCore(operands, Number.parseFloat(floatAttribute(attributes, "epsilon", 1e-5)));
  const sizes = [product(shape), product(means), product(means)];
  const asked = { ...row, repeats: 3, op: node.op, sizes, types: ["f32", "f32", "f32"] as const, operands, core };
  return lowering.outputs(lowering.node(asked), [shape, means, means]);
};

const extreme =
  (largest: boolean): Form =>
  ({ node, inputs: [x], attributes, lowering }) => {
    const shape = shapeOfOperand(x);
    const axis = axisOf(whole(attributes, "axis", 0), shape.length);
    const keep = whole(attributes, "keepdims", 1) === 1;
    const left = shape.flatMap((size, at) => (at === axis ? (keep ? [1] : []) : [size]));
    const core = extremeCore(x, axis, largest);
    const asked = { ...row, op: node.op, sizes: [product(left)], types: ["i32" as const], operands: [x], core };
    return lowering.outputs(lowering.node(asked), [left]);
  };

const runningSum: Form = ({ node, inputs: [x], attributes, lowering }) => {
  const shape = shapeOfOperand(x);
  const axis = axisOf(lowering.numbers(node.inputs[1])[0], shape.length);
  const [exclusive, reverse] = ["exclusive", "reverse"].map((name) => whole(attributes, name, 0) === 1);
  const core = runningSumCore(x, axis, { exclusive, reverse });
  const asked = { ...row, op: node.op, sizes: [product(shape)], types: [typeOf(x)], operands: [x], core };
  return lowering.outputs(lowering.node(asked), [shape]);
};

const largestOf: Form = ({ node, inputs: [x], attributes, lowering }) => {
  const shape = shapeOfOperand(x);
  const isLast = axisOf(whole(attributes, "axis", -1), shape.length) === shape.length - 1;
  if (!isLast || whole(attributes, "largest", 1) !== 1) throw lowering.refuse("another axis, or the smallest");
  const [k] = lowering.numbers(node.inputs[1]);
  const found = [...shape.slice(0, -1), k];
  // Read once for every one found: it is worth having in memory.
  const asked = { op: node.op, family: "sort" as const, repeats: k + 1, operands: [x], core: largestCore(x, k) };
  const sizes = [product(found), product(found)];
  return lowering.outputs(lowering.node({ ...asked, sizes, types: [typeOf(x), "i32"] }), [found, found]);
};

/** Operators that work along axes. */
export const rowForms: Forms = {
  ReduceSum: reduction(combinations.sum),
  ReduceMean: reduction(combinations.sum, true),
  ReduceMax: reduction(combinations.largest),
  ReduceMin: reduction(combinations.smallest),
  ReduceProd: reduction(combinations.product),
  Softmax: softmax(false),
  LogSoftmax: softmax(true),
  LayerNormalization: layerNorm,
  ArgMax: extreme(true),
  ArgMin: extreme(false),
  CumSum: runningSum,
  TopK: largestOf,
};
