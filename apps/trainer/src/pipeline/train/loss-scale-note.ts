import type { LossScale } from "@kdc-mae/engine";

/** What a run keeps of its loss scale, where it has one. */
export type LossScaleNote = { lossScale?: LossScale };

/**
 * Makes a stepper's loss scale part of a run's notes, and of a checkpoint with them: a run that goes on begins at the
 * scale it had, and gives the figures it would have given.
 *
 * @returns what is to be called when notes and arrays were changed from outside
 */
export function withLossScale(
  stepper: { readonly lossScale?: LossScale; readonly changed: () => void },
  notes: LossScaleNote,
): () => void {
  const { lossScale, changed } = stepper;
  const share = (): void => {
    if (lossScale === undefined) delete notes.lossScale;
    else notes.lossScale = Object.assign(lossScale, notes.lossScale);
  };
  share();
  return () => {
    share();
    changed();
  };
}
