import { broadcastShapes } from "../compile/graph-builder.js";
import { type Form, type Forms, shapeOfOperand, typeOf, whole } from "./lowering.js";
import { castText, mapFunctions } from "./map-functions.js";
import type { DeviceType } from "./plan-node.js";

const elementwise: Form = ({ node, inputs, attributes, lowering }) => {
  const { write, needs, gives, cost } = mapFunctions[node.op];
  const shape = broadcastShapes(inputs.map(shapeOfOperand));
  const operands = inputs.map((input) => lowering.broadcast(input, shape));
  const type = typeOf(inputs[node.op === "Where" ? 1 : 0]);
  const made = lowering.map(
    shape,
    gives ?? type,
    operands,
    (text, at) => {
      for (const prelude of needs) text.need(prelude);
      return write(
        operands.map((operand) => text.operand(operand, at)),
        type,
        attributes,
      );
    },
    { cost },
  );
  return [made];
};

/** Element types by their numbers in ONNX. */
const types: Readonly<Record<number, DeviceType>> = { 1: "f32", 6: "i32", 7: "i32", 9: "bool" };

const cast: Form = ({ inputs: [x], attributes, lowering }) => {
  const to = types[whole(attributes, "to", 1)];
  if (to === undefined) throw lowering.refuse(`casting to the ONNX type ${whole(attributes, "to", 1)}`);
  const from = typeOf(x);
  if (from === to) return [x];
  return [lowering.map(shapeOfOperand(x), to, [x], (text, at) => castText(text.operand(x, at), from, to))];
};

/** Operators that work element by element. */
export const elementwiseForms: Forms = {
  ...Object.fromEntries(Object.keys(mapFunctions).map((op) => [op, elementwise])),
  Identity: ({ inputs: [x] }) => [x],
  Cast: cast,
};
