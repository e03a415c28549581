import type { Protocol } from "./protocol.js";

/** What every result carries: how it was measured, on how many clips, and which were left out and why. */
export type Evaluated = {
  readonly protocol: Protocol;
  /** Clips the figures are made of. */
  readonly evaluated: number;
  /** Recordings they are parts of, where those are fewer: intervals are then by recording. */
  readonly recordings?: number;
  /** Clips that took no part, by reason, such as `{ "no-audio": 3 }`. */
  readonly leftOut: Readonly<Record<string, number>>;
};

/**
 * A head: plain numbers in, a plain record with its protocol out. Our four are of this type and so may be yours;
 * the report prints whatever record it is given with the protocol beside it.
 */
export type Head<Input, Result extends Evaluated> = (input: Input) => Result | Promise<Result>;
