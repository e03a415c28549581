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

/** The largest matrix units of an adapter, where kernels can be written for them. */
export function matrixUnitsOf({ features, info }: GPUAdapter, { limits }: GPUDevice): MatrixUnits | undefined {
  if (!needed.every((name) => features.has(name))) return undefined;
  const { subgroupMinSize: subgroup, subgroupMaxSize, subgroupMatrixConfigs = [] } = info as Said;
  // Which thread has which part is known only where subgroups are of one size.
  if (subgroup === undefined || subgroup !== subgroupMaxSize) return undefined;
  const [largest] = [...subgroupMatrixConfigs]
    .filter((one) => one.componentType === "f16" && one.resultComponentType === "f32")
    .filter(({ M, N }) => (M * N) % subgroup === 0)
    .sort((one, other) => other.M * other.N * other.K - one.M * one.N * one.K);
  if (largest === undefined || 4 * subgroup > limits.maxComputeInvocationsPerWorkgroup) return undefined;
  const { M, N, K } = largest;
  return { M, N, K, subgroup, memory: limits.maxComputeWorkgroupStorageSize };
}

export const unitsName = ({ M, N, K }: MatrixUnits): string => `${M} × ${N} × ${K}`;
