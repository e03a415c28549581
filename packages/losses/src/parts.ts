import type { Encoded, Evidence, Reconstruction, ViewEvidence } from "@kdc-mae/core";
import type { Scalar } from "@tensorflow/tfjs-core";
import type { LossTerm, Needs } from "./term.js";

/**
 * What one batch adds to an objective that is to see several batches at once: the terms that look at each clip alone,
 * already means over the batch's clips, and what the other terms look at, clips first, to be put one after another.
 */
export type ObjectiveParts = {
  readonly means: Readonly<Record<string, Scalar>>;
  /** Streams and reconstructions that no such term needs are left out; absent where no term needs any. */
  readonly evidence?: Evidence;
};

/**
 * True for terms that must see all clips together: such as compare clips, and such as look at encoded streams alone,
 * which are small, and may depend on the batch as a whole (shift-and-sum takes its minimum).
 */
export const seesAllClips = ({ comparesClips }: LossTerm, { encoded = [], reconstruction = [] }: Needs): boolean =>
  comparesClips === true || (encoded.length > 0 && reconstruction.length === 0);

const only = <T extends object>(from: T, keys: ReadonlySet<string>): T =>
  Object.fromEntries(Object.entries(from).filter(([key]) => keys.has(key))) as T;

/** The evidence with nothing in it that the terms do not need. */
export function neededEvidence({ patches, views, teacher, sampling }: Evidence, needs: readonly Needs[]): Evidence {
  const streams = new Set(needs.flatMap(({ encoded = [] }) => encoded));
  const modalities = new Set(needs.flatMap(({ reconstruction = [] }) => reconstruction));
  const kept = views.map(
    ({ view, encoded, reconstruction }): ViewEvidence => ({
      view,
      encoded: only<Encoded>(encoded, streams),
      reconstruction: only<Reconstruction>(reconstruction, modalities),
    }),
  );
  const asked = needs.some((one) => one.teacher === true);
  return {
    patches,
    views: kept,
    ...(needs.some((one) => one.sampling === true) && sampling !== undefined ? { sampling } : {}),
    ...(asked && teacher !== undefined ? { teacher: teacher.map((one) => only<Encoded>(one, streams)) } : {}),
  };
}
