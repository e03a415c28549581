import type { Clip } from "@kdc-mae/core";

/** What was not taken of clips that are longer than what is kept of one. */
export type Beyond = { readonly clips: number; readonly seconds: number };

export const nothingBeyond: Beyond = { clips: 0, seconds: 0 };

/** Ends this near are one, seconds: containers round times. */
const near = 0.1;

/** How much of a clip lies beyond the part of `limit` seconds that was decoded. */
export function secondsBeyond({ seconds = 0 }: Clip, limit: number): number {
  return seconds - limit > near ? seconds - limit : 0;
}

/** Counts one clip more. */
export const addBeyond = ({ clips, seconds }: Beyond, more: number): Beyond =>
  more > 0 ? { clips: clips + 1, seconds: Math.round(10 * (seconds + more)) / 10 } : { clips, seconds };

/** In one line; undefined where nothing lies beyond. */
export function beyondInWords({ clips, seconds }: Beyond, limit: number): string | undefined {
  if (clips === 0) return undefined;
  return `${clips} ${clips === 1 ? "clip is" : "clips are"} longer than ${limit} s: ${seconds.toFixed(1)} s of ${clips === 1 ? "it" : "them"} are not taken (--windows 10 makes clips of ${clips === 1 ? "it" : "them"})`;
}
