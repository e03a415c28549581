/**
 * How pictures are to be turned before they are shown: the four numbers of a matrix whose rows say where a step to the
 * right and a step down lead, each 0, 1 or −1. `[1, 0, 0, 1]` leaves them as they are.
 */
export type Turn = readonly [a: number, b: number, c: number, d: number];

export const upright: Turn = [1, 0, 0, 1];

/** ffmpeg's filters for the seven turns that change something. */
const filters: Readonly<Record<string, string>> = {
  "0,1,-1,0": "transpose=clock",
  "0,-1,1,0": "transpose=cclock",
  "0,1,1,0": "transpose=cclock_flip",
  "0,-1,-1,0": "transpose=clock_flip",
  "-1,0,0,-1": "hflip,vflip",
  "-1,0,0,1": "hflip",
  "1,0,0,-1": "vflip",
};

/** Filters that turn pictures, comma-separated; empty for upright ones. */
export const turnFilters = (turn: Turn): string => filters[turn.join()] ?? "";

/** Whether width and height change places. */
export const swapsSides = ([a]: Turn): boolean => a === 0;

/** The turn nearest to a matrix of any scale; upright where it is no multiple of a quarter. */
export function nearestTurn(matrix: readonly number[]): Turn {
  const size = Math.max(...matrix.map(Math.abs));
  const [a, b, c, d] = matrix.map((value) => Math.round(value / size) + 0);
  const whole = matrix.every((value) => Math.abs(value / size - Math.round(value / size)) < 0.02);
  const turn: Turn = [a, b, c, d];
  return whole && (turn.join() in filters || turn.join() === upright.join()) ? turn : upright;
}
