import { createHash } from "node:crypto";
import type { SyntheticOptions } from "./plan.js";

/** Raised when the same parameters begin to give other pixels or samples. */
const generator = 1;

/** Splits of a set and how many clips each gets. */
export type SetCounts = { readonly train: number; readonly validation: number; readonly test: number };

/** What decides the content of every clip of a set. Not the counts: a longer set begins with the shorter one. */
export type SetParameters = { readonly seed: number | string; readonly options: SyntheticOptions };

/** A short name of the parameters: clips carrying it need not be made again. */
export const hashOf = ({ seed, options }: SetParameters): string =>
  createHash("sha256")
    .update(JSON.stringify([generator, String(seed), options]))
    .digest("hex")
    .slice(0, 16);
