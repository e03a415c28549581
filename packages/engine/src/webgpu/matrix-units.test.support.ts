import type { MatrixUnits } from "./matrix-units.js";
import { preludeText } from "./prelude.js";

/** `halfOf` alone: what stands before it is in every kernel. */
const half = preludeText(new Set(["half"])).replace(/^.*\n/, "");

/**
 * A kernel for matrix units as plain WGSL: a subgroup's threads share a square's sums, and add up what the units would.
 * Operands are rounded as they are where kernels have no half-precision numbers.
 */
export function withoutUnits(code: string, { M, N, K, subgroup }: MatrixUnits): string {
  if (!code.includes("subgroupMatrix")) return code;
  const each = (M * N) / subgroup;
  /** Which tile a fragment lies in, where it begins, and the strides of its rows and columns. */
  const load =
    /let (\w+) = subgroupMatrixLoad<\w+<f16, \d+, \d+>, (row|col)_major>\(\s*&(\w+),\s*(.*?),\s*(\d+)u,?\s*\);/gs;
  const fragments = new Map<string, { readonly tile: string; readonly row: string; readonly column: string }>();
  let text = code.replace(/^(enable|diagnostic).*;\n/gm, "").replace(/array<f16, /g, "array<f32, ");
  const f16 = text.slice(text.indexOf("fn toHalf"), text.indexOf("\n}", text.indexOf("fn toHalf")) + 2);
  text = text.replace(f16, half).replaceAll("toHalf(", "halfOf(");
  text = text.replace(/var (c\d+): subgroup_matrix_result<[^>]*>;/g, `var $1: array<f32, ${each}>;`);
  text = text.replace(load, (_, name: string, order: string, tile: string, place: string, pitch: string) => {
    const [row, column] = order === "row" ? [`${pitch}u`, "1u"] : ["1u", `${pitch}u`];
    fragments.set(name, { tile, row, column });
    return `let ${name} = ${place};`;
  });
  const multiply = /(c\d+) = subgroupMatrixMultiplyAccumulate\((a\d+), (b\d+), c\d+\);/g;
  text = text.replace(multiply, (_, c: string, a: string, b: string) => {
    const [from, other] = [fragments.get(a)!, fragments.get(b)!];
    return `for (var own = 0u; own < ${each}u; own += 1u) {
      let place = lane + own * ${subgroup}u; let m = place / ${N}u; let n = place % ${N}u;
      for (var i = 0u; i < ${K}u; i += 1u) {
        ${c}[own] += ${from.tile}[${a} + m * ${from.row} + i * ${from.column}] * ${other.tile}[${b} + i * ${other.row} + n * ${other.column}];
      }
    }`;
  });
  const store = /subgroupMatrixStore<row_major>\(&squares, (.*?), (c\d+), \d+u\);/g;
  text = text.replace(
    store,
    `for (var own = 0u; own < ${each}u; own += 1u) { squares[$1 + lane + own * ${subgroup}u] = $2[own]; }`,
  );
  return text;
}
