import type { Clip, ClipItem, FloatTensor, Waveform } from "@kdc-mae/core";
import { fit, logMel, padFrames, resample } from "@kdc-mae/data";
import type { FrontEnd } from "./front-end.js";

/** A clip ready to be cut into patches: everything slow is done, nothing random has happened yet. */
export type StoredClip = {
  readonly item: ClipItem;
  /** Log-mel `[T, melBins]`, padded or cut, not normalised. */
  readonly spectrogram: FloatTensor;
  /** RGB pictures of the front end's size, each size × size × 3 bytes, in time order. */
  readonly frames: readonly Uint8Array[];
  /** When each picture was taken, seconds into the clip. */
  readonly times: readonly number[];
  /** Size of the file's pictures before scaling, which boxes are told in. */
  readonly original: { readonly width: number; readonly height: number };
  /** The sound itself, where the front end keeps it. */
  readonly waveform?: Waveform;
};

/** Runs the deterministic part of the front end on a decoded clip. */
export function storeClip(clip: Clip, frontEnd: FrontEnd): StoredClip {
  const waveform = resample(clip.waveform, frontEnd.logMel.sampleRate);
  return {
    item: clip.item,
    spectrogram: padFrames(logMel(waveform, frontEnd.logMel), frontEnd.frames),
    frames: clip.frames.map((frame) => fit(frame, frontEnd.imageSize).data),
    times: clip.frames.map((frame) => frame.time),
    original: clip.original ?? { width: frontEnd.imageSize, height: frontEnd.imageSize },
    ...(frontEnd.keepSound ? { waveform } : {}),
  };
}
