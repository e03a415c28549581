import type { ClipGrids } from "@kdc-mae/core";
import { type ClipCutter, clipCutter } from "@kdc-mae/data";
import { type ClipForm, clipFormFor, frontEndOf, type Pairing } from "../corpus/clip-form.js";
import type { Statistics } from "../corpus/statistics.js";
import type { Between } from "../ranks/shared-map.js";

/** What turns clips into batches of one size. */
export type Cutting = {
  readonly grids: ClipGrids;
  readonly statistics: Statistics;
  readonly batch: number;
  /** Of the clips: how long they are, and which sound goes with a picture. */
  readonly form: ClipForm;
  /** What cuts them; closed by who opened the cutting. */
  readonly cutter: ClipCutter;
  /** Who share what is computed of the batches; one process unless given. */
  readonly between?: Between;
};

/** Opens a {@link Cutting}. @param openPool threads that cut, this one unless given */
export function openCutting(
  { grids, statistics, batch, between, pairing }: Omit<Cutting, "cutter" | "form"> & { readonly pairing?: Pairing },
  openPool?: Parameters<typeof clipCutter>[1],
): Cutting {
  const form = clipFormFor(grids, pairing, statistics.sampleRate);
  return {
    ...{ grids, statistics, batch, between, form },
    cutter: clipCutter(frontEndOf(form, statistics), openPool),
  };
}
