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

/**
 * Asked as a fine-tuning begins, before anything is read: options that nothing would look at, which those of older classifiers
 * may still have. What a base that is tuned by sight alone says of its sound is only told.
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
  return [unheard(experiment)].filter((note) => note !== undefined);
}
