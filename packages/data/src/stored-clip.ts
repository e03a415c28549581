import type { Clip, ClipItem, FloatTensor, Waveform } from "@kdc-mae/core";
import { padFrames } from "./audio/log-mel.js";
import { resample } from "./audio/resample.js";
import { type AudioForm, spectrogramOf } from "./prepare-clip.js";
import { fit } from "./visual/fit.js";

/** What of a clip is kept in memory. */
export type StoredForm = {
  readonly audio: AudioForm;
  /** Side of a picture, pixels. */
  readonly visual: { readonly size: number };
  /** True where the waveform is kept beside its spectrogram, because sounds will be mixed. */
  readonly keepSound?: boolean;
};

/** A clip ready to be cut into patches: everything slow is done, nothing random has happened yet. */
export type StoredClip = {
  readonly item: ClipItem;
  /** Log-mel `[T, melBins]`, padded or cut, not normalised. */
  readonly spectrogram: FloatTensor;
  /** RGB pictures of the form's size S, each S × S × 3 bytes, in time order. */
  readonly frames: readonly Uint8Array[];
  /** When each picture was taken, seconds into the clip. */
  readonly times: readonly number[];
  /** Size of the file's pictures before scaling, in whose pixels boxes are given. */
  readonly original: { readonly width: number; readonly height: number };
  /** The sound itself, where the form keeps it. */
  readonly waveform?: Waveform;
};

/** Memory that all threads see, so that a clip is never copied to the one that cuts it; a page may have none. */
const memory = (bytes: number): ArrayBufferLike =>
  typeof SharedArrayBuffer === "undefined" ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes);

const kept = (data: Float32Array): Float32Array => {
  const copy = new Float32Array(memory(data.byteLength));
  copy.set(data);
  return copy;
};

/**
 * Runs the deterministic part of the front end on a decoded clip; the numbers lie in shared memory where there is such.
 *
 * @example
 * ```ts
 * import { publishedAudio, storeClip } from "@kdc-mae/data";
 *
 * const item = { id: "bell", path: "bell.mp4", labels: ["bell"] };
 * const waveform = { sampleRate: 48_000, samples: new Float32Array(480_000) }; // 10 s
 * const frames = [{ time: 5, width: 320, height: 240, data: new Uint8Array(320 * 240 * 3) }];
 * const stored = storeClip({ item, waveform, frames }, { audio: publishedAudio, visual: { size: 224 } });
 * console.log(stored.spectrogram.shape, stored.frames[0].length); // [1024, 128] 150528
 * ```
 */
export function storeClip(clip: Clip, { audio, visual, keepSound }: StoredForm): StoredClip {
  const waveform = resample(clip.waveform, audio.sampleRate);
  const spectrogram = padFrames(spectrogramOf(waveform, audio), audio.frames);
  const { size } = visual;
  const bytes = new Uint8Array(memory(clip.frames.length * size * size * 3));
  const frames = clip.frames.map((frame, at) => {
    const place = bytes.subarray(at * size * size * 3, (at + 1) * size * size * 3);
    place.set(fit(frame, size).data);
    return place;
  });
  return {
    item: clip.item,
    spectrogram: { ...spectrogram, data: kept(spectrogram.data) },
    frames,
    times: clip.frames.map((frame) => frame.time),
    original: clip.original ?? { width: size, height: size },
    ...(keepSound ? { waveform: { ...waveform, samples: kept(waveform.samples) } } : {}),
  };
}
