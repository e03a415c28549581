import type { GraphConstant, GraphNode } from "../compile/graph.js";
import type { Trace } from "../compile/trace.js";

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

const infinite = 0x7c00;
const largestHalf = 65504;
const smallestNormal = 2 ** -14;

/** A whole number next to a value, halves to the even one. */
const roundToEven = (value: number): number => {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
};

/** The bits of the nearest IEEE half-precision number, ties to even. */
export function float16Bits(value: number): number {
  float[0] = value;
  const sign = (bits[0] >>> 16) & 0x8000;
  const size = Math.abs(float[0]);
  if (Number.isNaN(size)) return sign | 0x7e00;
  // Subnormal halves are multiples of 2⁻²⁴; rounding up to 2¹⁰ of them gives the bits of the smallest normal.
  if (size < smallestNormal) return sign | roundToEven(size * 2 ** 24);
  if (size >= largestHalf + 16) return sign | infinite;
  const magnitude = bits[0] & 0x7fffffff;
  // Half of the last place kept, less one where the place is even already; then the exponent's bias 127 becomes 15.
  return sign | ((magnitude + 0xfff + ((magnitude >>> 13) & 1) - (112 << 23)) >>> 13);
}

const half = ({ data }: GraphConstant): Uint16Array => Uint16Array.from(data as Float32Array, float16Bits);

const fits = ({ data }: GraphConstant): boolean =>
  (data as Float32Array).every((value) => Math.abs(value) <= largestHalf);

/**
 * Stores large float32 constants in half precision: half the file. Each is turned back to float32 once, when a session
 * is made of the model, so it runs like the whole one; weights lose all but 11 bits of their mantissa.
 * Constants with values beyond ±65504 stay as they are.
 *
 * @param least constants of fewer numbers stay as they are; 1024 unless given
 */
export function weightsFloat16<I, O>(trace: Trace<I, O>, least = 1024): Trace<I, O> {
  const { graph } = trace;
  const chosen = new Set(
    graph.constants.filter((one) => one.dtype === "float32" && one.data.length >= least && fits(one)),
  );
  const stored = (name: string): string => `${name}.float16`;
  const casts = [...chosen].map(
    ({ name }): GraphNode => ({
      op: "Cast",
      domain: "",
      inputs: [stored(name)],
      outputs: [name],
      attributes: { to: 1 },
    }),
  );
  const constants = graph.constants.map((one) =>
    chosen.has(one) ? { ...one, name: stored(one.name), dtype: "float16" as const, data: half(one) } : one,
  );
  return { ...trace, graph: { ...graph, constants, nodes: [...casts, ...graph.nodes] } };
}
