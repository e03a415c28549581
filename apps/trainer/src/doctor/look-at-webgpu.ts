import { isKdcError } from "@kdc-mae/core";
import { createWebGpuRuntime, type WebGpuRuntime } from "@kdc-mae/engine";
import { testedAdapters } from "./tested-adapters.js";

/** Whether the project's own WebGPU runtime computes here at one precision, and with what. */
export type WebGpuLook = {
  readonly precision: "float32" | "mixed";
  readonly usable: boolean;
  readonly reason: string;
  readonly remedy: string;
};

type Opened = Pick<WebGpuRuntime, "name" | "adapter" | "dispose">;

/** Opens the adapter of this machine. @param again whether it is tested whatever was found of it before */
export const openHere =
  (again: boolean) =>
  (precision: WebGpuLook["precision"]): Promise<Opened> =>
    createWebGpuRuntime({ precision, tested: testedAdapters({ again }) });

/**
 * Opens the adapter at each precision that training may use, which tests it if it was not tested before. Where float32
 * fails, or the adapter has no half precision, mixed precision is not tried.
 *
 * @param open gives a runtime that passed its self-test
 */
export async function lookAtWebGpu(open = openHere(false)): Promise<readonly WebGpuLook[]> {
  const look = async (
    precision: WebGpuLook["precision"],
  ): Promise<{ readonly found: WebGpuLook; readonly features?: readonly string[] }> => {
    try {
      const { name, adapter, dispose } = await open(precision);
      const reason = `${name}: every family of kernels computes right`;
      await dispose();
      return { found: { precision, usable: true, reason, remedy: "" }, features: adapter.features };
    } catch (error) {
      if (!isKdcError(error)) throw error;
      return { found: { precision, usable: false, reason: error.what, remedy: error.remedy } };
    }
  };
  const { found, features } = await look("float32");
  if (features === undefined) return [found];
  if (features.includes("shader-f16")) return [found, (await look("mixed")).found];
  return [
    found,
    {
      ...{ precision: "mixed", usable: false },
      reason: "the adapter has no half precision (shader-f16): mixed precision would round operands and gain nothing",
      remedy: "Leave --precision mixed out on this adapter",
    },
  ];
}
