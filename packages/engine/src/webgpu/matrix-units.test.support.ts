/// <reference types="@webgpu/types" />
import type { MatrixUnits } from "./matrix-units.js";
import type { Plan } from "./plan.js";
import { preludeText } from "./prelude.js";

/** NVIDIA's since Volta, as Dawn names them. */
export const nvidia: MatrixUnits = { M: 16, N: 16, K: 16, subgroup: 32, memory: 48 * 1024 };
export const limits = { largest: 2 ** 27, bindings: 10 };

/** The kernels of a plan that are for matrix units. */
export const unitsCodes = (plan: Plan): string[] =>
  plan.steps.flatMap((step) =>
    "shader" in step && step.shader.code.includes("subgroupMatrix") ? [step.shader.code] : [],
  );

/** What a device came from has to be there as long as it is. */
const held: GPU[] = [];

/** Dawn's null device computes nothing, and has every extension its compiler knows. */
export async function nullDevice(): Promise<GPUDevice> {
  const { create } = (await import("webgpu" as string)) as { create: (flags: string[]) => GPU };
  const gpu = create(["backend=null", "enable-dawn-features=allow_unsafe_apis"]);
  held.push(gpu);
  const found = (await gpu.requestAdapter())!;
  const requiredFeatures = ["shader-f16", "subgroups", "chromium-experimental-subgroup-matrix"] as never;
  return found.requestDevice({ requiredFeatures });
}

/** A plan whose kernels for matrix units are plain. */
export const planWithoutUnits = (plan: Plan, units: MatrixUnits): Plan => ({
  ...plan,
  steps: plan.steps.map((step) =>
    "shader" in step ? { ...step, shader: { ...step.shader, code: withoutUnits(step.shader.code, units) } } : step,
  ),
});

/** `halfOf` alone: what stands before it is in every kernel. */
const half = preludeText(new Set(["half"])).replace(/^.*\n/, "");

/**
 * A kernel for matrix units as plain WGSL: a subgroup's threads share a square's sums, and add up what the units would.
 * Operands are rounded as they are where kernels have no half-precision numbers.
 */
function withoutUnits(code: string, { M, N, K, subgroup }: MatrixUnits): string {
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
