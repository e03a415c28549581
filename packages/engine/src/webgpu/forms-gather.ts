import { literal } from "./kernel-text.js";
import { rowMajor } from "./layout.js";
import { axisOf, type Form, type FormCall, type Forms, shapeOfOperand, typeOf, whole } from "./lowering.js";
import type { KernelText, Operand } from "./plan-node.js";

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);

/** A place to read, and whether there is one: what names none reads as NaN, since a card cannot refuse. */
type Place = { readonly at: string; readonly inside: string };

/** An index into an axis, held inside. */
const within = (text: KernelText, index: string, size: number): Place => {
  const [at, inside] = [text.fresh("index"), text.fresh("inside")];
  text.line(`let ${at} = u32(clamp(${index}, 0i, ${size - 1}i)); let ${inside} = i32(${at}) == ${index};`);
  return { at, inside };
};

const nothing = { f32: "bitcast<f32>(nanBits)", i32: literal(-(2 ** 31), "i32"), bool: "false" } as const;

const random = { family: "gather", cost: 3, elsewhere: true } as const;

const gather: Form = ({ inputs: [x, indices], attributes, lowering }) => {
  const [from, picked] = [shapeOfOperand(x), shapeOfOperand(indices)];
  const axis = axisOf(whole(attributes, "axis", 0), from.length);
  const [before, size, inner] = [from.slice(0, axis), from[axis], product(from.slice(axis + 1))];
  const count = product(picked);
  const shape = [...before, ...picked, ...from.slice(axis + 1)];
  const made = lowering.map(
    shape,
    typeOf(x),
    [x, indices],
    (text, at) => {
      const which = text.once(`which ${inner} ${count} ${at}`, "c", () => `(${at} / ${inner}u) % ${count}u`);
      const index = within(text, text.operand(indices, which), size);
      const place = text.fresh("a");
      text.line(
        `let ${place} = ((${at} / ${inner * count}u) * ${size}u + ${index.at}) * ${inner}u + ${at} % ${inner}u;`,
      );
      return `select(${nothing[typeOf(x)]}, ${text.operand(x, place)}, ${index.inside})`;
    },
    { ...random, stored: [0] },
  );
  return [made];
};

/** Writes the place an index vector (row `which` of indices) names in the leading axes of a shape, in elements. */
const placeOf = (text: KernelText, indices: Operand, which: string, sizes: readonly number[], inner: number): Place => {
  const depth = sizes.length;
  const strides = rowMajor(sizes).axes.map(([{ stride }]) => stride * inner);
  const terms = sizes.map((size, at) => {
    const position = text.fresh("n");
    text.line(`let ${position} = (${which}) * ${depth}u + ${at}u;`);
    const { at: index, inside } = within(text, text.operand(indices, position), size);
    return { at: `${index} * ${strides[at]}u`, inside };
  });
  const all = (one: keyof Place, sign: string) => terms.map((term) => term[one]).join(sign);
  return { at: all("at", " + ") || "0u", inside: all("inside", " && ") || "true" };
};

const gatherNd: Form = ({ inputs: [x, indices], attributes, lowering }) => {
  const batch = whole(attributes, "batch_dims", 0);
  const [from, rows] = [shapeOfOperand(x), shapeOfOperand(indices)];
  const depth = rows[rows.length - 1];
  const inner = product(from.slice(batch + depth));
  const each = product(from.slice(batch));
  const perBatch = product(rows.slice(batch, -1)) * inner;
  const made = lowering.map(
    [...rows.slice(0, -1), ...from.slice(batch + depth)],
    typeOf(x),
    [x, indices],
    (text, at) => {
      const named = placeOf(text, indices, `${at} / ${inner}u`, from.slice(batch, batch + depth), inner);
      const place = text.fresh("a");
      text.line(`let ${place} = (${at} / ${perBatch}u) * ${each}u + ${named.at} + ${at} % ${inner}u;`);
      return `select(${nothing[typeOf(x)]}, ${text.operand(x, place)}, ${named.inside})`;
    },
    { ...random, stored: [0] },
  );
  return [made];
};

/**
 * Every element of the result looks through all updates for those that name it: no two threads write one place, so sums
 * come out the same each time. Right for the short lists that gradients of gathers have.
 */
const scatter = (
  { lowering, attributes }: FormCall,
  data: Operand,
  updates: Operand,
  count: number,
  inner: number,
  place: (text: KernelText, which: string) => Place,
  indices: Operand,
): Operand => {
  const reduction = attributes.reduction ?? "none";
  if (reduction !== "add" && reduction !== "none") throw lowering.refuse(`the reduction ${reduction}`);
  const [shape, type] = [shapeOfOperand(data), typeOf(data)];
  return lowering.map(
    shape,
    type,
    [data, updates, indices],
    (text, at) => {
      const name = text.fresh("scattered");
      text.line(`var ${name} = ${text.operand(data, at)};`);
      const [u, start, column] = [text.fresh("u"), text.fresh("start"), text.fresh("column")];
      text.line(`let ${start} = ${at} - ${at} % ${inner}u; let ${column} = ${at} % ${inner}u;`);
      text.block(`for (var ${u} = 0u; ${u} < ${count}u; ${u} += 1u)`, () => {
        const named = text.fresh("a");
        const { at: known, inside } = place(text, u);
        text.line(`let ${named} = ${known};`);
        text.line(`if (!(${inside})) { ${name} = ${nothing[type]}; break; }`);
        text.block(`if (${named} == ${start})`, () => {
          const from = text.fresh("a");
          text.line(`let ${from} = ${u} * ${inner}u + ${column};`);
          const update = text.operand(updates, from);
          text.line(`${name} ${reduction === "add" ? "+=" : "="} ${update};`);
        });
      });
      return name;
    },
    { family: "scatter", cost: 100, repeats: 8, elsewhere: true },
  );
};

const scatterNd: Form = (call) => {
  const [data, indices, updates] = call.inputs;
  const [shape, rows] = [shapeOfOperand(data), shapeOfOperand(indices)];
  const depth = rows[rows.length - 1];
  const inner = product(shape.slice(depth));
  const count = product(rows.slice(0, -1));
  const place = (text: KernelText, which: string) => placeOf(text, indices, which, shape.slice(0, depth), inner);
  return [scatter(call, data, updates, count, inner, place, indices)];
};

/** Along the only axis of a vector. */
const scatterElements: Form = (call) => {
  const [data, indices, updates] = call.inputs;
  const shape = shapeOfOperand(data);
  if (shape.length !== 1) throw call.lowering.refuse("more than one axis");
  const place = (text: KernelText, which: string) => placeOf(text, indices, which, shape, 1);
  return [scatter(call, data, updates, product(shapeOfOperand(indices)), 1, place, indices)];
};

/** Operators that pick and scatter by index. */
export const gatherForms: Forms = {
  Gather: gather,
  GatherND: gatherNd,
  ScatterND: scatterNd,
  ScatterElements: scatterElements,
};
