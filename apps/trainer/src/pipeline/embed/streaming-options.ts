import { KdcError } from "@kdc-mae/core";
import type { Execute } from "@kdc-mae/engine";

/** How a stream is looked at. */
export type StreamingOptions = {
  /** What computes: `compiled()` of `@kdc-mae/engine/node` or `@kdc-mae/engine/web`, or `eager("cpu")`. */
  readonly execute: Execute;
  /** Length of a window, seconds: a multiple of 0.01, no more than the model's own, which is taken by default. */
  readonly window?: number;
  /** From one window to the next, seconds: a multiple of 0.01; half a second by default. */
  readonly hop?: number;
  /** Where in a window its picture is taken, 0 (beginning) to 1 (end): the middle (0.5) unless given, as of a film. */
  readonly pictureAt?: number;
  /** One of the two alone is looked at. */
  readonly only?: "sound" | "pictures";
  /** Heat maps are made where there are sound and picture. */
  readonly heat?: boolean;
  /** How long the stream goes on without sound, or without pictures, before they are no longer waited for: seconds of it, 1 unless given. */
  readonly patience?: number;
};

/** An error of a stream. */
export const refuse = (what: string, remedy: string, reason: string) =>
  new KdcError({ where: "streaming embedder", what, remedy, reason });

/** @param most the longest window, seconds @throws KdcError (`option`) */
export function expectStreamable(
  { window, pictureAt, patience }: { window: number; pictureAt: number; patience: number },
  most: number,
): void {
  if (window > most + 1e-9) {
    throw refuse(
      `windows of ${window} s are longer than what the model hears at a time, ${most} s`,
      `Give at most ${most}`,
      "option",
    );
  }
  if (!(pictureAt >= 0 && pictureAt <= 1)) {
    throw refuse(
      `pictureAt is ${pictureAt}, which is not a place in a window`,
      "Give 0 (its beginning) to 1 (its end)",
      "option",
    );
  }
  if (!(patience >= 0)) throw refuse(`patience is ${patience} s`, "Give seconds, 0 or more", "option");
}
