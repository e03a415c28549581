import { broadcastShapes } from "../compile/graph-builder.js";
import { productCore } from "./kernel-product.js";
import { combinations, reduceCore } from "./kernel-reduce.js";
import { literal } from "./kernel-text.js";
import type { Factor } from "./layout.js";
import { type Form, type FormCall, type Forms, type Lowering, shapeOfOperand, typeOf, whole } from "./lowering.js";
import { floatAttribute } from "./map-functions.js";
import type { Operand } from "./plan-node.js";

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);

/** What is too small for tiles, or of whole numbers, which wrap around and have no tiles: every element of the result its own sum, a [.., M, 1, K] times b [.., 1, N, K]. */
const sumOfProducts = (lowering: Lowering, a: Operand, b: Operand) => {
  const rank = a.layout.axes.length;
  const lead = Array.from({ length: rank - 2 }, (_, axis) => axis);
  const [from, other] = [shapeOfOperand(a), shapeOfOperand(b)];
  const [M, K, N] = [from[rank - 2], from[rank - 1], other[rank - 1]];
  const shape = [...from.slice(0, -2), M, N, K];
  const axes = (
    x: Operand,
    rows: readonly Factor[],
    columns: readonly Factor[],
    along: readonly Factor[],
  ): Operand => ({
    ...x,
    layout: { axes: [...lead.map((axis) => x.layout.axes[axis]), rows, columns, along], offset: x.layout.offset },
  });
  const once = (size: number): Factor[] => [{ size, stride: 0 }];
  const left = axes(a, a.layout.axes[rank - 2], once(N), a.layout.axes[rank - 1]);
  const right = axes(b, once(M), b.layout.axes[rank - 1], b.layout.axes[rank - 2]);
  const type = typeOf(a);
  const isHalf = lowering.half && type === "f32";
  const half = (value: string): string => (isHalf ? `halfOf(${value})` : value);
  const terms = lowering.map(shape, type, [left, right], (text, at) => {
    if (isHalf) text.need("half");
    return `${half(text.operand(left, at))} * ${half(text.operand(right, at))}`;
  });
  return { core: reduceCore(terms, [rank], combinations.sum), operands: [terms] };
};

/** a [.., M, K] · b [.., K, N], batches broadcast. */
export const multiply = (lowering: Lowering, a: Operand, b: Operand): Operand => {
  const [from, other] = [shapeOfOperand(a), shapeOfOperand(b)];
  const batch = broadcastShapes([from.slice(0, -2), other.slice(0, -2)]);
  const [M, K, N] = [from[from.length - 2], from[from.length - 1], other[other.length - 1]];
  const sides = {
    a: lowering.broadcast(a, [...batch, M, K]),
    b: lowering.broadcast(b, [...batch, K, N]),
  };
  const shape = [...batch, M, N];
  const type = typeOf(a);
  const isSmall = type === "i32" || (product(shape) <= 2 ** 14 && K <= 512);
  const { core, operands, repeats } = isSmall
    ? { ...sumOfProducts(lowering, sides.a, sides.b), repeats: 1 }
    : // An element is read once per tile: what is computed on the way in must be cheap.
      { core: productCore(sides, lowering.half, lowering.units), operands: [sides.a, sides.b], repeats: 8 };
  const asked = { op: lowering.op, family: "product" as const, repeats, operands, core };
  return lowering.outputs(lowering.node({ ...asked, sizes: [product(shape)], types: [type] }), [shape])[0];
};

const matMul: Form = ({ inputs: [a, b], lowering }) => {
  const [rankA, rankB] = [a.layout.axes.length, b.layout.axes.length];
  const left = rankA === 1 ? lowering.reshape(a, [1, ...shapeOfOperand(a)]) : a;
  const right = rankB === 1 ? lowering.reshape(b, [...shapeOfOperand(b), 1]) : b;
  const made = multiply(lowering, left, right);
  const shape = shapeOfOperand(made);
  const kept = shape.filter(
    (_, axis) => !(rankA === 1 && axis === shape.length - 2) && !(rankB === 1 && axis === shape.length - 1),
  );
  return [lowering.reshape(made, kept)];
};

const gemm: Form = ({ inputs: [a, b, bias], attributes, lowering }) => {
  const turned = (x: Operand, name: string) => (whole(attributes, name, 0) === 1 ? lowering.permute(x, [1, 0]) : x);
  const made = multiply(lowering, turned(a, "transA"), turned(b, "transB"));
  const alpha = floatAttribute(attributes, "alpha", 1);
  if (bias === undefined && alpha === literal(1, "f32")) return [made];
  const shape = shapeOfOperand(made);
  const added = bias === undefined ? [] : [lowering.broadcast(bias, shape)];
  const result = lowering.map(shape, "f32", [made, ...added], (text, at) => {
    const scaled = alpha === literal(1, "f32") ? text.operand(made, at) : `${text.operand(made, at)} * ${alpha}`;
    return [scaled, ...added.map((one) => text.operand(one, at))].join(" + ");
  });
  return [result];
};

type Labelled = { readonly operand: Operand; readonly letters: string };

/** The operand with its axes in the order of `letters`, new ones of size 1. */
const arranged = (
  lowering: Lowering,
  { operand, letters }: Labelled,
  wanted: string,
  sizes: ReadonlyMap<string, number>,
): Operand => {
  const present = [...wanted].filter((letter) => letters.includes(letter));
  const moved = lowering.permute(
    operand,
    present.map((letter) => letters.indexOf(letter)),
  );
  return lowering.reshape(
    moved,
    [...wanted].map((letter) => (letters.includes(letter) ? sizes.get(letter)! : 1)),
  );
};

/** Sums over the letters that nobody else needs. */
const summed = (call: FormCall, one: Labelled, needed: string): Labelled => {
  const axes = [...one.letters].flatMap((letter, axis) => (needed.includes(letter) ? [] : [axis]));
  if (axes.length === 0) return one;
  const { lowering } = call;
  const [M, K] = [[...one.letters].filter((letter) => needed.includes(letter)), axes];
  const shape = shapeOfOperand(one.operand);
  const order = [...M.map((letter) => one.letters.indexOf(letter)), ...K];
  const flat = lowering.reshape(lowering.permute(one.operand, order), [
    product(M.map((letter) => shape[one.letters.indexOf(letter)])),
    product(K.map((axis) => shape[axis])),
  ]);
  const type = typeOf(one.operand);
  const ones = lowering.map([shapeOfOperand(flat)[1], 1], type, [], () => literal(1, type), { cost: 0 });
  const made = multiply(lowering, flat, ones);
  return {
    letters: M.join(""),
    operand: lowering.reshape(
      made,
      M.map((letter) => shape[one.letters.indexOf(letter)]),
    ),
  };
};

/** Two operands are one stack of products: letters of both and the result are the stack, of both alone the sum. */
const pair = (
  call: FormCall,
  a: Labelled,
  b: Labelled,
  needed: string,
  sizes: ReadonlyMap<string, number>,
): Labelled => {
  const { lowering } = call;
  const [left, right] = [summed(call, a, b.letters + needed), summed(call, b, a.letters + needed)];
  const both = [...left.letters].filter((letter) => right.letters.includes(letter));
  const stack = both.filter((letter) => needed.includes(letter)).join("");
  const inner = both.filter((letter) => !needed.includes(letter)).join("");
  const [rows, columns] = [left, right].map(({ letters }) =>
    [...letters].filter((letter) => !both.includes(letter)).join(""),
  );
  const size = (letters: string) => product([...letters].map((letter) => sizes.get(letter)!));
  const flat = (one: Labelled, letters: readonly string[]) =>
    lowering.reshape(arranged(lowering, one, letters.join(""), sizes), letters.map(size));
  const made = multiply(lowering, flat(left, [stack, rows, inner]), flat(right, [stack, inner, columns]));
  const letters = stack + rows + columns;
  return {
    letters,
    operand: lowering.reshape(
      made,
      [...letters].map((letter) => sizes.get(letter)!),
    ),
  };
};

const einsum: Form = (call) => {
  const { inputs, attributes, lowering } = call;
  const [sources, result] = String(attributes.equation).replaceAll(" ", "").split("->");
  const letters = sources.split(",");
  const sizes = new Map(
    letters.flatMap((own, index) =>
      [...own].map((letter, axis) => [letter, shapeOfOperand(inputs[index])[axis]] as const),
    ),
  );
  if (letters.some((own) => new Set(own).size < own.length)) throw lowering.refuse("an index twice in one operand");
  let [first, ...rest] = letters.map((own, index): Labelled => ({ operand: inputs[index], letters: own }));
  for (const [index, next] of rest.entries()) {
    const later = rest.slice(index + 1).map((one) => one.letters);
    first = pair(call, first, next, later.join("") + result, sizes);
  }
  return [arranged(lowering, summed(call, first, result), result, sizes)];
};

/** Matrix products and Einstein sums. */
export const productForms: Forms = { MatMul: matMul, Gemm: gemm, Einsum: einsum };
