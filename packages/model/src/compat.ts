import type { Keep } from "./nn/block.js";

/**
 * Where the released code departs from the method while it pretrains:
 *
 * - `misplaced-views` the tokens of every view are seated on the positions of the first
 * - `unchained-streams` of several joint blocks the audio and the visual stream meet only the last
 */
export type Departure = "misplaced-views" | "unchained-streams";

/** Departures to repeat; `official` is all of them. */
export type Compat = "official" | readonly Departure[];

/**
 * `compat` repeats what the released code does instead of the method, to compare with it. With `keep` "inputs" a
 * gradient makes every block again instead of finding it in memory.
 */
export type PretrainOptions = { readonly compat?: Compat; readonly keep?: Keep };

export const departsBy = (compat: Compat | undefined, departure: Departure): boolean =>
  compat === "official" || (compat?.includes(departure) ?? false);
