import { type ClipGrids, KdcError } from "@kdc-mae/core";
import type { LogMelOptions } from "@kdc-mae/data";

/** What turns a decoded clip into what a model with these grids takes. */
export type FrontEnd = {
  readonly logMel: LogMelOptions;
  /** T: spectrogram frames; shorter clips are padded, longer ones cut. */
  readonly frames: number;
  /** Side of the square picture, pixels. */
  readonly imageSize: number;
  readonly framesPerClip: number;
  /** How much of a clip the spectrogram covers, seconds; pictures are taken from the same stretch. */
  readonly seconds: number;
  /** True where the waveform is kept beside its spectrogram, because sounds will be mixed. */
  readonly keepSound?: boolean;
};

const SAMPLE_RATE = 16_000;
const FRAME_LENGTH_MS = 25;
const FRAME_SHIFT_MS = 10;

/**
 * The front end a model's grids ask for: Kaldi log-mel with 25 ms frames every 10 ms, and ten pictures of a clip unless
 * told.
 *
 * @param sampleRate Hz; 16,000 unless given
 * @throws KdcError when the visual grid is not square
 */
export function frontEndFor(grids: ClipGrids, framesPerClip = 10, sampleRate = SAMPLE_RATE): FrontEnd {
  if (grids.visual.rows !== grids.visual.columns) {
    throw new KdcError({
      where: "front end",
      what: `the visual grid is ${grids.visual.rows} × ${grids.visual.columns}, and pictures are cut square`,
      remedy: "Give the visual grid as many rows as columns",
      reason: "config",
    });
  }
  const frames = grids.audio.columns * grids.audio.patch;
  return {
    logMel: {
      sampleRate,
      melBins: grids.audio.rows * grids.audio.patch,
      frameLengthMs: FRAME_LENGTH_MS,
      frameShiftMs: FRAME_SHIFT_MS,
    },
    frames,
    imageSize: grids.visual.rows * grids.visual.patch,
    framesPerClip,
    seconds: (frames * FRAME_SHIFT_MS) / 1000,
  };
}

/** What a clip takes in memory, bytes. */
export function bytesOfClip({ frames, logMel, imageSize, framesPerClip, seconds, keepSound }: FrontEnd): number {
  const sound = keepSound ? 4 * logMel.sampleRate * seconds : 0;
  return 4 * frames * logMel.melBins + framesPerClip * imageSize ** 2 * 3 + sound;
}
