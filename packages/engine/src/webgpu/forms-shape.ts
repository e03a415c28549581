import { broadcastShapes } from "../compile/graph-builder.js";
import { literal, registerType } from "./kernel-text.js";
import { rowMajor, sliceLayout } from "./layout.js";
import { axisOf, type Form, type Forms, type Lowering, shapeOfOperand, typeOf, whole } from "./lowering.js";
import type { Operand } from "./plan-node.js";

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);

const slice: Form = ({ node, inputs: [x], lowering }) => {
  const [begins, ends] = [lowering.numbers(node.inputs[1]), lowering.numbers(node.inputs[2])];
  const rank = x.layout.axes.length;
  const axes = node.inputs[3] ? lowering.numbers(node.inputs[3]) : begins.map((_, at) => at);
  const steps = node.inputs[4] ? lowering.numbers(node.inputs[4]) : begins.map(() => 1);
  let taken = x;
  for (const [at, given] of axes.entries()) {
    const axis = axisOf(given, rank);
    const length = shapeOfOperand(x)[axis];
    const step = steps[at];
    const low = step < 0 ? -1 : 0;
    const within = (place: number) => Math.min(Math.max(place < 0 ? place + length : place, low), length + low);
    const [begin, end] = [within(begins[at]), within(ends[at])];
    const size = Math.max(0, Math.ceil((end - begin) / step));
    taken = lowering.relaid(taken, (layout) => sliceLayout(layout, axis, { begin, step, size }));
  }
  return [taken];
};

const split: Form = ({ node, inputs: [x], attributes, lowering }) => {
  const axis = axisOf(whole(attributes, "axis", 0), x.layout.axes.length);
  let begin = 0;
  return lowering.numbers(node.inputs[1]).map((size) => {
    const from = begin;
    begin += size;
    return lowering.relaid(x, (layout) => sliceLayout(layout, axis, { begin: from, step: 1, size }));
  });
};

/** Parts one after another: each element is read from the part it is in. */
export const join = (lowering: Lowering, parts: readonly Operand[], axis: number): Operand => {
  const [first] = parts;
  const shape = shapeOfOperand(first).map((size, at) =>
    at === axis ? parts.reduce((sum, part) => sum + shapeOfOperand(part)[axis], 0) : size,
  );
  const inner = product(shape.slice(axis + 1));
  const type = typeOf(first);
  return lowering.map(
    shape,
    type,
    parts,
    (text, at) => {
      const along = text.once(`along ${axis} ${inner} ${shape[axis]} ${at}`, "c", () =>
        inner === 1 ? `${at} % ${shape[axis]}u` : `(${at} / ${inner}u) % ${shape[axis]}u`,
      );
      const name = text.fresh("joined");
      text.line(`var ${name}: ${registerType(type)};`);
      let begin = 0;
      for (const [index, part] of parts.entries()) {
        const size = shapeOfOperand(part)[axis];
        const from = begin;
        begin += size;
        const condition = index === parts.length - 1 ? "" : `if (${along} < ${begin}u)`;
        text.block(`${index === 0 ? "" : "else "}${condition}`, () => {
          const before = axis === 0 ? "" : `(${at} / ${inner * shape[axis]}u) * ${size * inner}u + `;
          const place = text.fresh("a");
          text.line(
            `let ${place} = ${before}(${along} - ${from}u) * ${inner}u + ${inner === 1 ? "0u" : `${at} % ${inner}u`};`,
          );
          text.line(`${name} = ${text.operand(part, place)};`);
        });
      }
      return name;
    },
    { elsewhere: true },
  );
};

/** Parts a kernel joins at a time: each may be memory of its own. */
const atOnce = 5;

const concat: Form = ({ inputs, attributes, lowering }) => {
  const axis = axisOf(whole(attributes, "axis", 0), inputs[0].layout.axes.length);
  let parts = inputs;
  while (parts.length > 1) {
    const before = parts;
    parts = Array.from({ length: Math.ceil(before.length / atOnce) }, (_, group) => {
      const some = before.slice(group * atOnce, (group + 1) * atOnce);
      return some.length === 1 ? some[0] : join(lowering, some, axis);
    });
  }
  return parts;
};

const pad: Form = ({ node, inputs, attributes, lowering }) => {
  const [x, , given] = inputs;
  if ((attributes.mode ?? "constant") !== "constant") throw lowering.refuse(`the mode ${attributes.mode}`);
  const amounts = lowering.numbers(node.inputs[1]);
  const from = shapeOfOperand(x);
  const rank = from.length;
  const shape = from.map((size, axis) => size + amounts[axis] + amounts[axis + rank]);
  const [outer, inner] = [rowMajor(shape), rowMajor(from)];
  const type = typeOf(x);
  const operands = given === undefined ? [x] : [x, given];
  const made = lowering.map(
    shape,
    type,
    operands,
    (text, at) => {
      const [inside, places] = [[] as string[], [] as string[]];
      for (let axis = 0; axis < rank; axis++) {
        const stride = outer.axes[axis][0].stride;
        const place = text.once(`pad ${axis} ${stride} ${amounts[axis]} ${at}`, "c", () => {
          const whole = stride === 1 ? at : `${at} / ${stride}u`;
          return `(${axis === 0 ? whole : `(${whole}) % ${shape[axis]}u`}) - ${amounts[axis]}u`;
        });
        if (shape[axis] !== from[axis]) inside.push(`${place} < ${from[axis]}u`);
        places.push(`${place} * ${inner.axes[axis][0].stride}u`);
      }
      const name = text.fresh("padded");
      text.line(`var ${name} = ${given === undefined ? literal(0, type) : text.operand(given, "0u")};`);
      text.block(inside.length === 0 ? "" : `if (${inside.join(" && ")})`, () => {
        const place = text.fresh("a");
        text.line(`let ${place} = ${places.join(" + ") || "0u"};`);
        text.line(`${name} = ${text.operand(x, place)};`);
      });
      return name;
    },
    { elsewhere: true },
  );
  return [made];
};

const reshape: Form = ({ node, inputs: [x], lowering }) => {
  const asked = lowering.numbers(node.inputs[1]);
  const size = product(shapeOfOperand(x));
  const known = product(asked.filter((one) => one !== -1));
  return [
    lowering.reshape(
      x,
      asked.map((one) => (one === -1 ? size / known : one)),
    ),
  ];
};

const expand: Form = ({ node, inputs: [x], lowering }) => [
  lowering.broadcast(x, broadcastShapes([shapeOfOperand(x), lowering.numbers(node.inputs[1])])),
];

/** Each axis repeated: the repeats are an axis of their own, without a step. */
const tile: Form = ({ node, inputs: [x], lowering }) => {
  const repeats = lowering.numbers(node.inputs[1]);
  const axes = x.layout.axes.map((own, axis) =>
    repeats[axis] === 1 ? own : [{ size: repeats[axis], stride: 0 }, ...own],
  );
  return [{ ...x, layout: { ...x.layout, axes } }];
};

/** Operators that move values, and compute none: most are a change of layout. */
export const shapeForms: Forms = {
  Reshape: reshape,
  Expand: expand,
  Tile: tile,
  Transpose: ({ inputs: [x], attributes, lowering }) => {
    const perm = (attributes.perm as readonly number[]) ?? x.layout.axes.map((_, axis) => axis).reverse();
    return [lowering.permute(x, perm)];
  },
  Slice: slice,
  Split: split,
  Concat: concat,
  Pad: pad,
};
