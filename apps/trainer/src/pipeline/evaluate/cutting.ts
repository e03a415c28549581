import { type ClipCutter, clipCutter } from "@kdc-mae/data";
import { type ClipForm, frontEndOf } from "../corpus/clip-form.js";
import type { Statistics } from "../corpus/statistics.js";
import type { Between } from "../ranks/shared-map.js";

/** What turns clips into batches of one size. */
export type Cutting = {
  readonly statistics: Statistics;
  readonly batch: number;
  /** Of the clips: their grids, how long they are, and which sound goes with a picture. */
  readonly form: ClipForm;
  /** What cuts them; closed by who opened the cutting. */
  readonly cutter: ClipCutter;
  /** Who share what is computed of the batches; one process unless given. */
  readonly between?: Between;
};

/** Opens a {@link Cutting}. @param openPool threads that cut, this one unless given */
export const openCutting = (
  form: ClipForm,
  { statistics, batch, between }: Omit<Cutting, "cutter" | "form">,
  openPool?: Parameters<typeof clipCutter>[1],
): Cutting => ({
  ...{ form, statistics, batch, between },
  cutter: clipCutter(frontEndOf(form, statistics), openPool),
});
