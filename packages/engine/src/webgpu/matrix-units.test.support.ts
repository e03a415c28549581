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
  const zeros = `array<f32, ${each}>`;
  text = text.replace(/var (\w+): subgroup_matrix_result<[^>]*>;/g, `var $1: ${zeros};`);
  text = text.replace(/subgroup_matrix_result<[^>]*>\(\)/g, `${zeros}()`);
  text = text.replace(load, (_, name: string, order: string, tile: string, place: string, pitch: string) => {
    const [row, column] = order === "row" ? [`${pitch}u`, "1u"] : ["1u", `${pitch}u`];
    fragments.set(name, { tile, row, column });
    return `let ${name} = ${place};`;
  });
  const multiply = /(\w+) = subgroupMatrixMultiplyAccumulate\((\w+), (\w+), \w+\);/g;
  const eachOwn = (body: string) => `for (var own_ = 0u; own_ < ${each}u; own_ += 1u) {
      let place_ = lane + own_ * ${subgroup}u; let m_ = place_ / ${N}u; let n_ = place_ % ${N}u;
      ${body}
    }`;
  text = text.replace(multiply, (_, c: string, a: string, b: string) => {
    const [from, other] = [fragments.get(a)!, fragments.get(b)!];
    return eachOwn(`for (var i_ = 0u; i_ < ${K}u; i_ += 1u) {
        ${c}[own_] += ${from.tile}[${a} + m_ * ${from.row} + i_ * ${from.column}] * ${other.tile}[${b} + i_ * ${other.row} + n_ * ${other.column}];
      }`);
  });
  const store = /subgroupMatrixStore<row_major>\(&(\w+), (.*?), (\w+), (\d+)u\);/g;
  return text.replace(store, (_, tile: string, place: string, c: string, pitch: string) =>
    eachOwn(`${tile}[${place} + m_ * ${pitch}u + n_] = ${c}[own_];`),
  );
}
