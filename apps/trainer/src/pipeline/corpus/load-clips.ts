import { type StoredClip, storeClip } from "@kdc-mae/data";
import {
  type DecodeAllOptions,
  type DecodedSet,
  decodeAll,
  type ManifestItem,
  type MediaRoot,
} from "@kdc-mae/data/node";
import type { ClipForm } from "./clip-form.js";

/** Decodes clips into memory, in the order of the items; what cannot be decoded is left out with its reason. */
export const loadClips = (
  items: readonly ManifestItem[],
  form: ClipForm,
  options: {
    readonly decoder: DecodeAllOptions<StoredClip>["decoder"];
    /** Where the clips lie, which no link may leave. */
    readonly media?: MediaRoot;
    readonly concurrency: number;
    readonly onProgress?: (done: number) => void;
    readonly signal?: AbortSignal;
  },
): Promise<DecodedSet<StoredClip>> =>
  decodeAll(items, {
    ...{ decoder: options.decoder, media: options.media },
    concurrency: options.concurrency,
    signal: options.signal,
    onProgress: ({ done }) => options.onProgress?.(done),
    request: {
      sampleRate: form.audio.sampleRate,
      frames: { count: form.framesPerClip, limit: form.seconds },
      size: form.visual.size,
      // A little more sound than the spectrogram shows, for its last analysis frame.
      seconds: form.seconds + 0.1,
    },
    keep: (clip) => storeClip(clip, form),
  });
