import { KdcError } from "@kdc-mae/core";

/**
 * Times of `count` frames, equally spaced from the start over at most the first `limit` seconds: i · span / count.
 *
 * @param duration of the clip, seconds
 * @param limit seconds
 * @returns `count` times in seconds from the start of the clip
 *
 * @example
 * ```ts
 * import { chooseFrames } from "@kdc-mae/data";
 *
 * const moments = chooseFrames(10, 10); // seconds
 * ```
 */
export function chooseFrames(duration: number, count = 10, limit = 10): readonly number[] {
  if (!(duration > 0 && limit > 0 && count >= 1 && Number.isInteger(count))) {
    throw new KdcError({
      where: "chooseFrames",
      what: `cannot place ${count} frames in ${duration} s with a limit of ${limit} s`,
      remedy: "Give a positive duration and limit, and a whole number of frames",
      reason: "zero-length",
    });
  }
  return Array.from({ length: count }, (_, index) => (index * Math.min(duration, limit)) / count);
}
