import { countPatches, type HostTensor, KdcError } from "@kdc-mae/core";
import type { ModelConfig } from "@kdc-mae/model";

/**
 * A file that says its own config has position tables of the grids it says: nobody asked for another length, so a
 * difference is damage, and a table of the claimed size is not made to find that out.
 *
 * @throws KdcError (`bad-checkpoint`)
 */
export function expectOwnGrids(path: string, config: ModelConfig, tensors: Readonly<Record<string, HostTensor>>): void {
  for (const [name, grid] of [
    ["pos_embed_a", config.audio],
    ["pos_embed_v", config.visual],
  ] as const) {
    const N = tensors[name]?.shape[1];
    if (N === undefined || N === countPatches(grid)) continue;
    throw new KdcError({
      where: `checkpoint ${path}`,
      what: `its config says ${grid.rows} × ${grid.columns} patches, but its ${name} has ${N}`,
      remedy: "Fetch or copy it again",
      reason: "bad-checkpoint",
    });
  }
}
