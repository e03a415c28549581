import { type Clip, isKdcError, type KdcError } from "@kdc-mae/core";
import { expectCount } from "../expect-count.js";
import { expectItemAdmitted, type MediaRoot } from "../manifest/confine.js";
import type { ManifestItem } from "../manifest/manifest-item.js";
import { decodeItem, type ItemDecoder } from "../media/decode-item.js";
import type { DecodeRequest } from "../media/decoder.js";
import { itemReasons, mediaError } from "../media/media-error.js";

/** A clip that could not be used, and why. */
export type LeftOut = { readonly item: ManifestItem; readonly error: KdcError };

/** How {@link decodeAll} reads clips, and what it keeps of them. */
export type DecodeAllOptions<T> = {
  readonly decoder: ItemDecoder;
  /** Where the clips lie; a link that leads out of it is not followed. Without it every path is. */
  readonly media?: MediaRoot;
  readonly request: DecodeRequest;
  /** Clips in work at once; about the number of processor cores. */
  readonly concurrency: number;
  /** What to keep of a clip. Called as clips come, in no fixed order; the decoded clip is then let go. */
  readonly keep: (clip: Clip) => T;
  /** Called after every clip. */
  readonly onProgress?: (progress: DecodeProgress) => void;
  readonly signal?: AbortSignal;
};

/** How many clips were dealt with, of how many, and how many of those could not be used. */
export type DecodeProgress = { readonly done: number; readonly total: number; readonly leftOut: number };

/** What came of decoding a list of clips. */
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
export async function decodeAll<T>(
  items: readonly ManifestItem[],
  options: DecodeAllOptions<T>,
): Promise<DecodedSet<T>> {
  const { decoder, media, request, concurrency, keep, onProgress, signal } = options;
  expectCount("decodeAll", "concurrency", concurrency);
  const outcomes: ({ readonly value: T } | { readonly error: KdcError })[] = new Array(items.length);
  const ending = new AbortController();
  const stop = signal ? AbortSignal.any([signal, ending.signal]) : ending.signal;
  let [next, done, leftOut] = [0, 0, 0];

  const decodeOne = async (item: ManifestItem) => {
    try {
      if (media !== undefined) await expectItemAdmitted(item, media);
      return { value: keep(await decodeItem(decoder, item, { ...request, signal: stop })) };
    } catch (error) {
      if (!isKdcError(error) || !itemReasons.has(error.reason)) throw error;
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
  await Promise.all(
    Array.from(
      { length: Math.max(1, Math.min(concurrency * (decoder.together ?? 1), items.length)) },
      workUntilFailure,
    ),
  );
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
