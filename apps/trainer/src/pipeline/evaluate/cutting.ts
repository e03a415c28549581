import type { ClipGrids } from "@kdc-mae/core";
import { type ClipCutter, clipCutter } from "@kdc-mae/data";
import { clipFormFor, frontEndOf } from "../corpus/clip-form.js";
import type { Statistics } from "../corpus/statistics.js";
import type { Between } from "../ranks/shared-map.js";

/** What turns clips into batches of one size. */
export type Cutting = {
  readonly grids: ClipGrids;
  readonly statistics: Statistics;
  readonly batch: number;
  /** What cuts them; closed by who opened the cutting. */
  readonly cutter: ClipCutter;
  /** Who share what is computed of the batches; one process unless given. */
  readonly between?: Between;
};

/** Opens a {@link Cutting}. @param openPool threads that cut, this one unless given */
export const openCutting = (
  { grids, statistics, batch, between }: Omit<Cutting, "cutter">,
  openPool?: Parameters<typeof clipCutter>[1],
): Cutting => ({
  ...{ grids, statistics, batch, between },
  cutter: clipCutter(frontEndOf(clipFormFor(grids, 1, statistics.sampleRate), statistics), openPool),
});
