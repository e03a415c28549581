import { KdcError } from "@kdc-mae/core";
import type { CheckedFineTuning } from "./schema.js";

/** What is said of options for sound where nothing is heard; undefined where all are read. */
function unheard({ mode, audio }: CheckedFineTuning): string | undefined {
  if (mode !== "visual-only") return undefined;
  const unread = [
    ...(audio.noise ? ["audio.noise"] : []),
    ...(audio.specAugment === undefined ? [] : ["audio.specAugment"]),
  ];
  if (unread.length === 0) return undefined;
  return `a visual-only classifier hears nothing: ${unread.join(" and ")} ${unread.length === 1 ? "changes" : "change"} nothing`;
}

/** The same of pictures where nothing is seen. */
function unseen({ mode, evaluation }: CheckedFineTuning): string | undefined {
  if (mode !== "audio-only" || evaluation.frames === "middle") return undefined;
  return "an audio-only classifier sees nothing: evaluation.frames changes nothing";
}

/**
 * Asked as a fine-tuning begins, before anything is read: options that nothing would look at, which those of older classifiers
 * may still have. What a base says of the sound of those tuned by sight alone, or of the pictures of
 * those tuned by sound, is only told.
 *
 * @returns what is to be told
 * @throws KdcError for the others
 */
export function unreadIn(experiment: CheckedFineTuning): readonly string[] {
  const { tune, optimizer } = experiment;
  if (tune === "linear-probe" && optimizer.layerDecay !== undefined) {
    throw new KdcError({
      where: "optimizer.layerDecay",
      what: "tune is linear-probe: the encoder is frozen, and its layers have no rates",
      remedy: "Leave it out (--set optimizer.layerDecay=null), or set tune to full",
      reason: "option",
    });
  }
  return [unheard(experiment), unseen(experiment)].filter((note) => note !== undefined);
}
