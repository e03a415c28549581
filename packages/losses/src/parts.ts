import type { Encoded, Evidence, Reconstruction, ViewEvidence } from "@kdc-mae/core";
import { mean, type Scalar, type Tensor3D } from "@tensorflow/tfjs-core";
import type { EncodedStream, LossTerm, Needs } from "./term.js";

/**
 * What one batch adds to an objective that is to see several batches at once: the terms that look at each clip alone,
 * already means over the batch's clips, and what the other terms look at, clips first, to be put one after another.
 */
export type ObjectiveParts = {
  readonly means: Readonly<Record<string, Scalar>>;
  /**
   * Patches, streams and reconstructions that no such term needs are left out, and of streams whose mean alone is looked at
   * there is that, `[B, 1, D]`; absent where no term needs any.
   */
  readonly evidence?: Omit<Evidence, "patches"> & Partial<Pick<Evidence, "patches">>;
};

/**
 * True for terms that must see all clips together: such as compare clips, and such as look at encoded streams alone,
 * which are small, and may depend on the batch as a whole (shift-and-sum takes its minimum).
 */
export const seesAllClips = (
  { comparesClips }: LossTerm,
  { encoded = [], contrast = [], reconstruction = [], prediction = [] }: Needs,
): boolean =>
  comparesClips === true || (encoded.length + contrast.length > 0 && reconstruction.length + prediction.length === 0);

const only = <T extends object>(from: T, keys: ReadonlySet<string>): T =>
  Object.fromEntries(Object.entries(from).filter(([key]) => keys.has(key))) as T;

/** The evidence with nothing in it that the terms do not need. */
export function neededEvidence(evidence: Evidence, needs: readonly Needs[]): NonNullable<ObjectiveParts["evidence"]> {
  const { patches, views, teacher, sampling, whole, contrast } = evidence;
  const named = <T extends string>(of: (one: Needs) => readonly T[] | undefined): ReadonlySet<T> =>
    new Set(needs.flatMap((one) => of(one) ?? []));
  const asks = (key: "teacher" | "whole" | "sampling"): boolean => needs.some((one) => one[key] === true);
  const streams = named(({ encoded }) => encoded);
  const tokenwise = named(({ encoded = [], contrast: own = [], pooled = [] }) =>
    [...encoded, ...own].filter((stream) => !pooled.includes(stream)),
  );
  const looked = (encoded: Encoded, kept: ReadonlySet<EncodedStream>): Encoded =>
    Object.fromEntries(
      Object.entries(only<Encoded>(encoded, kept)).map(([stream, tokens]: [string, Tensor3D]) => [
        stream,
        tokenwise.has(stream as EncodedStream) ? tokens : mean(tokens, 1, true),
      ]),
    ) as Encoded;
  const modalities = named(({ reconstruction }) => reconstruction);
  const predicted = named(({ prediction }) => prediction);
  const contrasted = named(({ contrast: own }) => own);
  const kept = views.map(
    ({ view, encoded, reconstruction, prediction }): ViewEvidence => ({
      view,
      encoded: looked(encoded, streams),
      reconstruction: only<Reconstruction>(reconstruction, modalities),
      ...(prediction && predicted.size > 0 ? { prediction: only<Reconstruction>(prediction, predicted) } : {}),
    }),
  );
  return {
    ...(needs.some((one) => one.patches !== false) ? { patches } : {}),
    views: kept,
    ...(asks("sampling") && sampling !== undefined ? { sampling } : {}),
    ...(asks("whole") && whole !== undefined ? { whole } : {}),
    ...(contrast !== undefined && contrasted.size > 0
      ? { contrast: contrast.map(({ view, encoded }) => ({ view, encoded: looked(encoded, contrasted) })) }
      : {}),
    ...(asks("teacher") && teacher !== undefined ? { teacher: teacher.map((one) => looked(one, streams)) } : {}),
  };
}
