import type { Found } from "./clip-store.js";

/** A stretch of a file that was found. */
export type Moment = {
  readonly file: string;
  /** Seconds; of a still picture 0 and 0. */
  readonly start: number;
  readonly end: number;
  /** Where its nearest window begins and ends, and how near that is. */
  readonly best: { readonly start: number; readonly end: number };
  readonly cosine: number;
};

/** Windows this near touch, seconds. */
const near = 0.05;

/**
 * What was found as moments. Of the first `hits`, those of one file that touch or overlap are one moment; a later one that
 * touches a moment belongs to it without making it longer, so that a film does not end up as one moment.
 *
 * @param found nearest first
 * @returns nearest first
 */
export function momentsOf(found: readonly Found[], hits: number): Moment[] {
  const byFile = new Map<string, Moment[]>();
  for (const [place, { clip, cosine }] of found.entries()) {
    const { file, start, end } = clip;
    const known = byFile.get(file) ?? [];
    const touched = known.filter((moment) => start <= moment.end + near && end >= moment.start - near);
    if (touched.length > 0 && place >= hits) continue;
    const alone: Moment = { file, start, end, best: { start, end }, cosine };
    const joined = {
      ...touched.reduce((best, one) => (one.cosine > best.cosine ? one : best), touched[0] ?? alone),
      start: Math.min(start, ...touched.map((one) => one.start)),
      end: Math.max(end, ...touched.map((one) => one.end)),
    };
    byFile.set(file, [...known.filter((moment) => !touched.includes(moment)), joined]);
  }
  return [...byFile.values()].flat().sort((a, b) => b.cosine - a.cosine);
}
