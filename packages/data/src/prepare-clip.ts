import {
  type Clip,
  type ClipGrids,
  expectShape,
  type FloatTensor,
  type Frame,
  float32,
  type HostPatches,
  KdcError,
  type PatchGrid,
  type Waveform,
} from "@kdc-mae/core";
import { type LogMelOptions, logMel, normalizeSpectrogram, padFrames } from "./audio/log-mel.js";
import { resample } from "./audio/resample.js";
import { besidePicture } from "./audio/window.js";
import { cutFrame, cutSpectrogram } from "./patch/cut.js";
import { fit } from "./visual/fit.js";
import { normalizeFrame } from "./visual/normalize.js";

/** How sound becomes a spectrogram of one length. */
export type AudioForm = LogMelOptions & {
  /** Spectrogram frames a clip is padded or cut to. */
  readonly frames: number;
  /** Of those, how many go with a picture: the stretch centred on it. All of them unless given. */
  readonly window?: number;
};

/** How sound becomes patches. */
export type AudioFrontEnd = AudioForm & {
  /** Mean and standard deviation of log-mel values over the data set. */
  readonly mean: number;
  readonly std: number;
};

/** Everything between a decoded clip and its patches. */
export type FrontEnd = {
  readonly audio: AudioFrontEnd;
  /** Side of a picture, pixels. */
  readonly visual: { readonly size: number };
  readonly grids: ClipGrids;
};

/** The patches of one clip: audio `[N, P]`, visual `[N, P]`, normalised. */
export type Sample = { readonly audio: FloatTensor; readonly visual: FloatTensor };

/** The published front end: 16 kHz, 128 bins, 25 ms every 10 ms, and the constants the reference models were trained with. */
export const publishedAudio: AudioFrontEnd = {
  sampleRate: 16000,
  melBins: 128,
  frameLengthMs: 25,
  frameShiftMs: 10,
  frames: 1024,
  mean: -5.081,
  std: 4.4849,
};

/**
 * The patches of a clip and one of its frames.
 *
 * @param frame index into `clip.frames`
 * @throws KdcError when there is no such frame, the sound is too short, or the grids do not fit the front end
 *
 * @example
 * ```ts
 * import { audioGrid, visualGrid } from "@kdc-mae/core";
 * import { prepareClip, publishedAudio } from "@kdc-mae/data";
 *
 * const grids = { audio: audioGrid(1024, 128, 16), visual: visualGrid(224, 16) };
 * const item = { id: "bell", path: "bell.mp4", labels: ["bell"] };
 * const waveform = { sampleRate: 48_000, samples: new Float32Array(480_000) }; // 10 s
 * const frames = [{ time: 5, width: 320, height: 240, data: new Uint8Array(320 * 240 * 3) }];
 * const sample = prepareClip({ item, waveform, frames }, { audio: publishedAudio, visual: { size: 224 }, grids });
 * console.log(sample.audio.shape, sample.visual.shape); // [512, 256] [196, 768]
 * ```
 */
export function prepareClip(clip: Clip, frontEnd: FrontEnd, frame = 0): Sample {
  const chosen = clip.frames[frame];
  if (!chosen) {
    throw new KdcError({
      where: `prepareClip of ${clip.item.id}`,
      what: `there is no frame ${frame}; the clip has ${clip.frames.length}`,
      remedy: "Ask the decoder for more frames, or choose one of them",
      reason: "no-frame",
    });
  }
  const spectrogram = spectrogramOf(clip.waveform, frontEnd.audio);
  return {
    audio: audioPatches(spectrogram, frontEnd.audio, frontEnd.grids.audio, chosen.time),
    visual: visualPatches(chosen, frontEnd.visual.size, frontEnd.grids.visual),
  };
}

/** Log-mel of a sound of any rate, before padding and normalisation: worth keeping. @returns `[T, melBins]` */
export function spectrogramOf(waveform: Waveform, audio: LogMelOptions): FloatTensor {
  return logMel(resample(waveform, audio.sampleRate), audio);
}

/**
 * Pads or cuts, normalises and cuts into patches.
 *
 * @param spectrogram `[T, melBins]`
 * @param time of the picture it goes with, seconds: where the front end has a window, the sound around it is taken
 * @returns `[N, P]`
 */
export function audioPatches(
  spectrogram: FloatTensor,
  audio: AudioFrontEnd,
  grid: PatchGrid,
  time?: number,
): FloatTensor {
  const heard = besidePicture(padFrames(spectrogram, audio.frames), audio, time);
  return cutSpectrogram(normalizeSpectrogram(heard, audio.mean, audio.std), grid);
}

/** Fits, normalises and cuts a picture into patches. @returns `[N, P]` */
export function visualPatches(frame: Frame, size: number, grid: PatchGrid): FloatTensor {
  return cutFrame(normalizeFrame(fit(frame, size)), grid);
}

/**
 * Stacks samples of one shape: audio `[B, N, P]`, visual `[B, N, P]`.
 *
 * @example
 * ```ts
 * import { float32 } from "@kdc-mae/core";
 * import { assembleBatch } from "@kdc-mae/data";
 *
 * const sample = { audio: float32([512, 256]), visual: float32([196, 768]) };
 * assembleBatch([sample, sample, sample]).audio.shape; // [3, 512, 256]
 * ```
 */
export function assembleBatch(samples: readonly Sample[]): HostPatches {
  return {
    audio: stack(samples.map(({ audio }) => audio)),
    visual: stack(samples.map(({ visual }) => visual)),
  };
}

function stack(parts: readonly FloatTensor[]): FloatTensor {
  if (parts.length === 0) {
    throw new KdcError({
      where: "assembleBatch",
      what: "there are no samples",
      remedy: "Give at least one",
      reason: "shape",
    });
  }
  const known = expectShape("assembleBatch", "sample 0", parts[0], "N P");
  const out = float32([parts.length, known.N, known.P]);
  for (const [index, part] of parts.entries()) {
    expectShape("assembleBatch", `sample ${index}`, part, "N P", known);
    out.data.set(part.data, index * part.data.length);
  }
  return out;
}
