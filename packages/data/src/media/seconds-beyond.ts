import { type Clip, isKdcError } from "@kdc-mae/core";
import type { ManifestItem } from "../manifest/manifest-item.js";
import type { Decoder } from "./decoder.js";

/** What was not taken of clips that are longer than what is kept of one. */
export type Beyond = { readonly clips: number; readonly seconds: number };

export const nothingBeyond: Beyond = { clips: 0, seconds: 0 };

/** Ends this near are one, seconds: containers round times. */
const near = 0.1;

/**
 * How much of a clip lies beyond the part that was decoded, seconds. The file is asked for its length only where the
 * part is full, so that clips of the usual length cost nothing.
 */
export async function secondsBeyond(
  decoder: Pick<Decoder, "probe">,
  item: ManifestItem,
  { waveform }: Pick<Clip, "waveform">,
  limit: number,
  signal?: AbortSignal,
): Promise<number> {
  if (waveform.samples.length / waveform.sampleRate < limit - near) return 0;
  const { start = 0 } = item;
  const length = item.end ?? (await decoder.probe(item.path, { signal }).catch(ownFault))?.duration;
  const beyond = length === undefined ? 0 : length - start - limit;
  return beyond > near ? beyond : 0;
}

/** A file that was decoded and cannot be asked for its length has none to speak of. */
function ownFault(error: unknown): undefined {
  if (isKdcError(error) && error.reason !== "aborted") return undefined;
  throw error;
}

/** Counts one clip more. */
export const addBeyond = ({ clips, seconds }: Beyond, more: number): Beyond =>
  more > 0 ? { clips: clips + 1, seconds: Math.round(10 * (seconds + more)) / 10 } : { clips, seconds };

/** In one line; undefined where nothing lies beyond. */
export function beyondInWords({ clips, seconds }: Beyond, limit: number): string | undefined {
  if (clips === 0) return undefined;
  return `${clips} clips are longer than ${limit} s: ${seconds.toFixed(1)} s of them are not taken (--windows 10 makes clips of them)`;
}
