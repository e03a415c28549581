/// <reference types="@webgpu/types" />

/**
 * Matrix units of an adapter: a subgroup multiplies [M, K] by [K, N] at once, factors in half precision, sums in
 * float32.
 */
export type MatrixUnits = {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** Threads of a subgroup. */
  readonly subgroup: number;
  /** Bytes of memory that a workgroup may share. */
  readonly memory: number;
};

/** Features a device must have for them. */
const needed = ["shader-f16", "subgroups", "chromium-experimental-subgroup-matrix"];

/** What Dawn says of them beside the standard's. */
type Said = {
  readonly subgroupMinSize?: number;
  readonly subgroupMaxSize?: number;
  readonly subgroupMatrixConfigs?: Iterable<{
    readonly M: number;
    readonly N: number;
    readonly K: number;
    readonly componentType: string;
    readonly resultComponentType: string;
  }>;
};

/** Matrix units of an adapter, or why it has none that kernels are written for. */
export type MatrixUnitsFound =
  | { readonly units: MatrixUnits; readonly why?: undefined }
  | { readonly units?: undefined; readonly why: string };

type Adapter = { readonly features: Pick<ReadonlySet<string>, "has">; readonly info: Said };
type Device = {
  readonly limits: Pick<GPUSupportedLimits, "maxComputeInvocationsPerWorkgroup" | "maxComputeWorkgroupStorageSize">;
};

/** The largest matrix units of an adapter, where kernels can be written for them. */
export function matrixUnitsOf({ features, info }: Adapter, { limits }: Device): MatrixUnitsFound {
  const lacking = needed.filter((name) => !features.has(name));
  if (lacking.length > 0) return { why: `the adapter lacks ${lacking.join(", ")}` };
  const { subgroupMinSize: subgroup, subgroupMaxSize, subgroupMatrixConfigs = [] } = info;
  // Which thread has which part is known only where subgroups are of one size.
  if (subgroup === undefined || subgroup !== subgroupMaxSize)
    return { why: `its subgroups have from ${subgroup ?? "?"} to ${subgroupMaxSize ?? "?"} threads` };
  const [largest] = [...subgroupMatrixConfigs]
    .filter((one) => one.componentType === "f16" && one.resultComponentType === "f32")
    .filter(({ M, N }) => (M * N) % subgroup === 0)
    .sort((one, other) => other.M * other.N * other.K - one.M * one.N * one.K);
  if (largest === undefined) return { why: "none of its own takes f16 and adds up in f32" };
  const threads = limits.maxComputeInvocationsPerWorkgroup;
  if (4 * subgroup > threads) return { why: `a workgroup has ${threads} threads, and four subgroups ${4 * subgroup}` };
  const { M, N, K } = largest;
  return { units: { M, N, K, subgroup, memory: limits.maxComputeWorkgroupStorageSize } };
}

export const unitsName = ({ M, N, K }: MatrixUnits): string => `${M} × ${N} × ${K}`;
