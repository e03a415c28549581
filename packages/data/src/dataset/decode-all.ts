import { type Clip, type ClipItem, isKdcError, type KdcError } from "@kdc-mae/core";
import type { DecodeRequest, Decoder } from "../media/decoder.js";
import { leaveOutReasons, mediaError } from "../media/media-error.js";

/** A clip that could not be used, and why. */
export type LeftOut = { readonly item: ClipItem; readonly error: KdcError };

export type DecodeAllOptions<T> = {
  readonly decoder: Decoder;
  readonly request: DecodeRequest;
  /** Clips in work at once; about the number of processor cores. */
  readonly concurrency: number;
  /** What to keep of a clip. Called as clips come, in no fixed order; the decoded clip is then let go. */
  readonly keep: (clip: Clip) => T;
  readonly onProgress?: (progress: DecodeProgress) => void;
  readonly signal?: AbortSignal;
};

export type DecodeProgress = { readonly done: number; readonly total: number; readonly leftOut: number };

export type DecodedSet<T> = {
  /** What was kept, in the order of the items. */
  readonly kept: readonly T[];
  readonly leftOut: readonly LeftOut[];
  /** Clips left out by reason, such as `{ "no-audio": 3 }`. */
  readonly reasons: Readonly<Record<string, number>>;
};

/**
 * Decodes many clips, a few at a time. A clip whose file cannot be used is left out, with its reason, and the rest go
 * on; any other error ends the work.
 *
 * @throws KdcError reason `aborted` when the signal says so
 */
export async function decodeAll<T>(items: readonly ClipItem[], options: DecodeAllOptions<T>): Promise<DecodedSet<T>> {
  const { decoder, request, concurrency, keep, onProgress, signal } = options;
  const outcomes: ({ readonly value: T } | { readonly error: KdcError })[] = new Array(items.length);
  const ending = new AbortController();
  const stop = signal ? AbortSignal.any([signal, ending.signal]) : ending.signal;
  let [next, done, leftOut] = [0, 0, 0];

  const decodeOne = async (item: ClipItem) => {
    try {
      return { value: keep(await decoder.decode(item, { ...request, signal: stop })) };
    } catch (error) {
      if (!isKdcError(error) || !leaveOutReasons.has(error.reason)) throw error;
      return { error };
    }
  };
  const work = async () => {
    while (next < items.length) {
      if (stop.aborted) throw mediaError("decodeAll", "aborted");
      const index = next++;
      const outcome = await decodeOne(items[index]);
      outcomes[index] = outcome;
      if ("error" in outcome) leftOut++;
      onProgress?.({ done: ++done, total: items.length, leftOut });
    }
  };
  let failure: { readonly error: unknown } | undefined;
  const workUntilFailure = () =>
    work().catch((error: unknown) => {
      failure ??= { error };
      ending.abort();
    });
  await Promise.all(Array.from({ length: Math.max(1, Math.min(concurrency, items.length)) }, workUntilFailure));
  if (failure) throw failure.error;

  const missing = outcomes.flatMap((outcome, index) =>
    "error" in outcome ? [{ item: items[index], error: outcome.error }] : [],
  );
  const reasons: Record<string, number> = {};
  for (const { error } of missing) reasons[error.reason] = (reasons[error.reason] ?? 0) + 1;
  return {
    kept: outcomes.flatMap((outcome) => ("value" in outcome ? [outcome.value] : [])),
    leftOut: missing,
    reasons,
  };
}
