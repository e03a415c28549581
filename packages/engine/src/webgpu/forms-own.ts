import { unitsTake } from "./attention-units.js";
import { attentionCore, keysGradientCore, queriesGradientCore } from "./kernel-attention.js";
import { unitsAttentionCore, unitsKeysGradientCore, unitsQueriesGradientCore } from "./kernel-attention-units.js";
import { type Combination, combinations, combineParts } from "./kernel-reduce.js";
import { layerNormGradientCore } from "./kernel-rows.js";
import { countOf, type Layout } from "./layout.js";
import { type Form, type Forms, type Lowering, shapeOfOperand } from "./lowering.js";
import type { MatrixUnits } from "./matrix-units.js";
import type { Core, Operand } from "./plan-node.js";

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);

/** Rows each thread adds up, of rows [R, D]. */
const piecesFor = (rows: number, columns: number): number =>
  Math.max(1, Math.min(Math.ceil(16384 / columns), Math.ceil(rows / 16), 128));

/** Σ over rows of dy · (x − mean) · inverse, and of dy, one after the other: [2, D]. */
const gainAndBiasCore =
  ([x, , mean, inverse, dy]: readonly Operand[]): Core =>
  ({ write, finish, scratch }) => {
    const D = shapeOfOperand(x).at(-1)!;
    const rows = countOf(x.layout) / D;
    const pieces = piecesFor(rows, D);
    const each = Math.ceil(rows / pieces);
    const sum: Combination = combinations.sum;
    const add = (store: (text: ReturnType<typeof write>, piece: string, at: string, value: string) => void) => {
      const text = write();
      text.line("let i = groupOf(group3) * 64u + thread;");
      text.block(`if (i < ${D * pieces}u)`, () => {
        text.line(`let column = i % ${D}u; let piece = i / ${D}u;`);
        text.line("var along = 0.0; var plain = 0.0;");
        text.line(`let last = min((piece + 1u) * ${each}u, ${rows}u);`);
        text.block(`for (var row = piece * ${each}u; row < last; row += 1u)`, () => {
          text.line(`let at = row * ${D}u + column;`);
          const [one, center, scale] = [text.operand(x, "at"), text.operand(mean, "row"), text.operand(inverse, "row")];
          const slope = text.operand(dy, "at");
          text.line(`along += ${slope} * (${one} - ${center}) * ${scale}; plain += ${slope};`);
        });
        text.line(`let first = column; let second = column + ${D}u;`);
        store(text, "piece", "first", "along");
        store(text, "piece", "second", "plain");
      });
      return { text, workgroupSize: 64, workgroups: Math.ceil((D * pieces) / 64), flops: 6 * rows * D };
    };
    if (pieces === 1) return [add((text, _, at, value) => finish(text, at, value))];
    const parts = scratch(2 * D * pieces, "f32");
    const first = add((text, piece, at, value) => {
      const place = text.fresh("a");
      text.line(`let ${place} = ${piece} * ${2 * D}u + ${at};`);
      text.write(parts, 0, place, value);
    });
    return [first, combineParts(write(), parts, 2 * D, pieces, sum, finish)];
  };

const layerNormGradient: Form = ({ node, inputs, lowering }) => {
  const shape = shapeOfOperand(inputs[0]);
  const D = shape.at(-1)!;
  const asked = { op: node.op, operands: inputs, types: ["f32" as const] };
  const dx = lowering.node({
    ...asked,
    family: "row",
    repeats: 3,
    sizes: [product(shape)],
    core: layerNormGradientCore(inputs),
  });
  const sums = lowering.node({ ...asked, family: "reduction", sizes: [2 * D], core: gainAndBiasCore(inputs) });
  const half = (offset: number): Operand => {
    const layout: Layout = { axes: [[{ size: D, stride: 1 }]], offset };
    return { node: sums, output: 0, layout };
  };
  return [lowering.outputs(dx, [shape])[0], half(0), half(D)];
};

/** Tiles of what is read are read again by every workgroup, as in a product. */
const asAttention = { family: "attention", repeats: 8 } as const;
const floats = ["f32", "f32"] as const;

/** Matrix units for attention of q, k, v, if there are some that take it. */
const unitsFor = ({ units }: Lowering, operands: readonly Operand[]): MatrixUnits | undefined =>
  units !== undefined && unitsTake(units, operands) ? units : undefined;

const attention: Form = ({ node, inputs: operands, lowering }) => {
  const [[G, N], , [, , e]] = operands.map(shapeOfOperand);
  const units = unitsFor(lowering, operands);
  const core = units === undefined ? attentionCore(operands, lowering.half) : unitsAttentionCore(operands, units);
  const sizes = [G * N * e, G * N];
  const asked = { ...asAttention, op: node.op, operands, sizes, types: floats, core };
  return lowering.outputs(lowering.node(asked), [
    [G, N, e],
    [G, N],
  ]);
};

const attentionGradient: Form = ({ node, inputs, lowering }) => {
  const [q, k, v, , dy, sums] = inputs;
  const shapes = [q, k, v].map(shapeOfOperand);
  const [ofQ, ofK, ofV] = shapes.map(product);
  const rows = shapes[0].slice(0, 2);
  const asked = { ...asAttention, op: node.op, types: floats };
  const units = unitsFor(lowering, inputs);
  const first =
    units === undefined ? queriesGradientCore(inputs, lowering.half) : unitsQueriesGradientCore(inputs, units);
  const [dq, levels] = lowering.outputs(
    lowering.node({ ...asked, operands: inputs, sizes: [ofQ, product(rows)], core: first }),
    [shapes[0], rows],
  );
  const operands = [q, k, v, dy, sums, levels];
  const second =
    units === undefined ? keysGradientCore(operands, lowering.half) : unitsKeysGradientCore(operands, units);
  const [dk, dv] = lowering.outputs(lowering.node({ ...asked, operands, sizes: [ofK, ofV], core: second }), [
    shapes[1],
    shapes[2],
  ]);
  return [dq, dk, dv];
};

/** Operators of this runtime alone. */
export const ownForms: Forms = {
  Attention: attention,
  AttentionGradient: attentionGradient,
  LayerNormGradient: layerNormGradient,
};
