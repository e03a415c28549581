import type { Box } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { boxAfterFit, boxAt } from "@kdc-mae/eval";
import { middleFrame } from "./embed-clips.js";

/**
 * The box of a clip at a time (that of its middle picture), in pixels of the square picture the model sees: none where
 * nothing sounds, an undefined one where the crop has cut it away.
 */
export function boxesOf(
  clip: StoredClip,
  size: number,
  time: number = clip.times[middleFrame(clip)],
): readonly (Box | undefined)[] {
  const { boxes } = clip.item;
  const box = boxes && boxAt(boxes, time);
  return box === undefined ? [] : [boxAfterFit(box, clip.original, size)];
}
