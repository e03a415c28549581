import { countPatches, expectShape, type Patches, patchLength } from "@kdc-mae/core";
import type { ModelConfig } from "./config.js";

/** Checks that the patches there are fit the grids of the config, audio `[B, Na, Pa]` and visual `[B, Nv, Pv]`; returns B. */
export function expectPatches(where: string, config: ModelConfig, patches: Partial<Patches>): number {
  let known: Record<string, number> = {};
  for (const modality of ["audio", "visual"] as const) {
    const value = patches[modality];
    if (value === undefined) continue;
    const pattern = `B ${countPatches(config[modality])} ${patchLength(config[modality])}`;
    known = expectShape(where, `${modality} patches`, value, pattern, known);
  }
  return known.B;
}
