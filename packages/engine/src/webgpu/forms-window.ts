import { multiply } from "./forms-product.js";
import { literal } from "./kernel-text.js";
import { rowMajor } from "./layout.js";
import { type Form, type FormCall, type Forms, shapeOfOperand, whole, wholes } from "./lowering.js";
import type { KernelText, Operand } from "./plan-node.js";

type Pair = readonly [number, number];

/** One number for each of the two axes. */
const ofAxes = (of: (axis: 0 | 1) => number): Pair => [of(0), of(1)];
const pairOf = (call: FormCall, name: string, otherwise: readonly number[]): Pair => {
  const [a, b] = wholes(call.attributes, name, otherwise);
  return [a, b];
};

/** Names the coordinates of a linear index in a shape, the first axis first. */
const coordinates = (text: KernelText, at: string, shape: readonly number[]): string[] =>
  rowMajor(shape).axes.map(([{ size, stride }], axis) =>
    text.once(`coordinate ${axis} ${shape.join()} ${at}`, "c", () => {
      const quotient = stride === 1 ? at : `${at} / ${stride}u`;
      return axis === 0 ? quotient : `(${quotient}) % ${size}u`;
    }),
  );

/**
 * What every place of a window sees, as a matrix [groups.., channels · kh · kw, places]: element (channel, ky, kx) of
 * place (y, x). Made where the product reads it, never stored.
 *
 * @param see the coordinate along one axis that a place sees through a cell of the window, and whether it is there
 */
const seen = (
  { lowering }: FormCall,
  x: Operand,
  [B, groups, channels]: readonly [number, number, number],
  window: Pair,
  places: Pair,
  see: (text: KernelText, axis: number, place: string, cell: string) => { at: string; inside: string },
): Operand => {
  const shape = [B, groups, channels * window[0] * window[1], places[0] * places[1]];
  const [height, width] = shapeOfOperand(x).slice(2);
  return lowering.map(
    shape,
    "f32",
    [x],
    (text, at) => {
      const apart = [B, groups, channels, ...window, ...places];
      const [b, g, c, ky, kx, y, px] = coordinates(text, at, apart);
      const [row, column] = [see(text, 0, y, ky), see(text, 1, px, kx)];
      const name = text.fresh("seen");
      text.line(`var ${name} = 0.0f;`);
      text.block(`if (${row.inside} && ${column.inside})`, () => {
        const place = text.fresh("a");
        text.line(
          `let ${place} = ((${b} * ${groups * channels}u + ${g} * ${channels}u + ${c}) * ${height}u + ${row.at}) * ${width}u + ${column.at};`,
        );
        text.line(`${name} = ${text.operand(x, place)};`);
      });
      return name;
    },
    // Always made in its reader.
    { family: "window", cost: 0, elsewhere: true },
  );
};

const convolution: Form = (call) => {
  const { inputs, lowering } = call;
  const [x, weights, bias] = inputs;
  const [B, C, H, W] = shapeOfOperand(x);
  const [O, perGroup, kh, kw] = shapeOfOperand(weights);
  const groups = whole(call.attributes, "group", C / perGroup);
  const [strides, dilations] = [pairOf(call, "strides", [1, 1]), pairOf(call, "dilations", [1, 1])];
  const pads = wholes(call.attributes, "pads", [0, 0, 0, 0]);
  const out = ofAxes((axis) => {
    const [size, kernel] = [[H, W][axis], [kh, kw][axis]];
    return Math.floor((size + pads[axis] + pads[axis + 2] - (kernel - 1) * dilations[axis] - 1) / strides[axis]) + 1;
  });
  const columns = seen(call, x, [B, groups, perGroup], [kh, kw], out, (text, axis, place, cell) => {
    const at = text.once(
      `sees ${axis} ${place} ${cell}`,
      "c",
      () => `${place} * ${strides[axis]}u + ${cell} * ${dilations[axis]}u - ${pads[axis]}u`,
    );
    return { at, inside: `${at} < ${[H, W][axis]}u` };
  });
  const matrix = lowering.reshape(weights, [1, groups, O / groups, perGroup * kh * kw]);
  const made = lowering.reshape(multiply(lowering, matrix, columns), [B, O, ...out]);
  if (bias === undefined) return [made];
  const spread = lowering.broadcast(lowering.reshape(bias, [O, 1, 1]), [B, O, ...out]);
  return [
    lowering.map(
      [B, O, ...out],
      "f32",
      [made, spread],
      (text, at) => `${text.operand(made, at)} + ${text.operand(spread, at)}`,
    ),
  ];
};

/** The adjoint: a place of the result sees, through a cell of the window, the place that saw it, if one did. */
const transposed: Form = (call) => {
  const { inputs, lowering } = call;
  const [x, weights] = inputs;
  const [B, C, H, W] = shapeOfOperand(x);
  const [, perGroup, kh, kw] = shapeOfOperand(weights);
  const groups = whole(call.attributes, "group", 1);
  const [strides, dilations] = [pairOf(call, "strides", [1, 1]), pairOf(call, "dilations", [1, 1])];
  const pads = wholes(call.attributes, "pads", [0, 0, 0, 0]);
  const more = pairOf(call, "output_padding", [0, 0]);
  const out = ofAxes((axis) => {
    const [size, kernel] = [[H, W][axis], [kh, kw][axis]];
    return (size - 1) * strides[axis] + (kernel - 1) * dilations[axis] + 1 - pads[axis] - pads[axis + 2] + more[axis];
  });
  const columns = seen(call, x, [B, groups, C / groups], [kh, kw], out, (text, axis, place, cell) => {
    const from = text.once(
      `from ${axis} ${place} ${cell}`,
      "c",
      () => `${place} + ${pads[axis]}u - ${cell} * ${dilations[axis]}u`,
    );
    const at = text.once(`seen by ${axis} ${from}`, "c", () => `${from} / ${strides[axis]}u`);
    const inside = `${from} < ${[H, W][axis] * strides[axis]}u && ${from} % ${strides[axis]}u == 0u`;
    return { at, inside };
  });
  // Weights [C, O / groups, kh, kw] as [groups, O / groups, C / groups · kh · kw].
  const apart = lowering.reshape(weights, [groups, C / groups, perGroup, kh, kw]);
  const matrix = lowering.reshape(lowering.permute(apart, [0, 2, 1, 3, 4]), [
    1,
    groups,
    perGroup,
    (C / groups) * kh * kw,
  ]);
  return [lowering.reshape(multiply(lowering, matrix, columns), [B, groups * perGroup, ...out])];
};

/** A loop over the window of each place; `visit` sees the cells inside the picture. */
const pool =
  (mean: boolean): Form =>
  (call) => {
    const {
      inputs: [x],
      lowering,
      node,
    } = call;
    const [B, C, H, W] = shapeOfOperand(x);
    const [kernel, strides] = [pairOf(call, "kernel_shape", [1, 1]), pairOf(call, "strides", [1, 1])];
    const pads = wholes(call.attributes, "pads", [0, 0, 0, 0]);
    const out = [0, 1].map(
      (axis) => Math.floor(([H, W][axis] + pads[axis] + pads[axis + 2] - kernel[axis]) / strides[axis]) + 1,
    );
    const shape = [B, C, ...out];
    const read =
      (index: boolean) =>
      (text: KernelText, at: string): string => {
        const [b, c, y, px] = coordinates(text, at, shape);
        text.need("isNan");
        const [best, found, count] = [text.fresh("best"), text.fresh("found"), text.fresh("count")];
        text.line(
          `var ${best} = ${mean ? "0.0f" : literal(Number.NEGATIVE_INFINITY, "f32")}; var ${found} = -1i; var ${count} = 0.0f;`,
        );
        text.block(`for (var ky = 0u; ky < ${kernel[0]}u; ky += 1u)`, () =>
          text.block(`for (var kx = 0u; kx < ${kernel[1]}u; kx += 1u)`, () => {
            text.line(
              `let row = ${y} * ${strides[0]}u + ky - ${pads[0]}u; let column = ${px} * ${strides[1]}u + kx - ${pads[1]}u;`,
            );
            text.block(`if (row < ${H}u && column < ${W}u)`, () => {
              text.line(`let place = ((${b} * ${C}u + ${c}) * ${H}u + row) * ${W}u + column;`);
              const value = text.operand(x, "place");
              if (mean) text.line(`${best} += ${value}; ${count} += 1.0f;`);
              else
                text.line(
                  `if (${found} < 0i || ${value} > ${best} || isNan(${value})) { ${best} = ${value}; ${found} = i32(place); }`,
                );
            });
          }),
        );
        return index ? found : mean ? `${best} / ${count}` : best;
      };
    const more = { family: "window", cost: 20, repeats: 4, elsewhere: true } as const;
    const values = lowering.map(shape, "f32", [x], read(false), more);
    return node.outputs.length === 1 ? [values] : [values, lowering.map(shape, "i32", [x], read(true), more)];
  };

/** Convolutions, which are products with what each place sees, and pools. */
export const windowForms: Forms = {
  Conv: convolution,
  ConvTranspose: transposed,
  MaxPool: pool(false),
  AveragePool: pool(true),
};
