import { type ClipGrids, KdcError } from "@kdc-mae/core";
import type { FrontEnd, StoredForm } from "@kdc-mae/data";
import type { Statistics } from "./statistics.js";

/** What is taken of a clip for a model with these grids: its form in memory, and what is asked of the decoder. */
export type ClipForm = StoredForm & {
  readonly grids: ClipGrids;
  readonly framesPerClip: number;
  /** How much of a clip the spectrogram covers, seconds; pictures are taken from the same stretch. */
  readonly seconds: number;
};

const SAMPLE_RATE = 16_000;
const FRAME_LENGTH_MS = 25;
const FRAME_SHIFT_MS = 10;

/**
 * The form a model's grids ask for: Kaldi log-mel with 25 ms frames every 10 ms, and ten pictures of a clip by default.
 *
 * @param sampleRate Hz; 16,000 unless given
 * @throws KdcError when the visual grid is not square
 */
export function clipFormFor({ audio, visual }: ClipGrids, framesPerClip = 10, sampleRate = SAMPLE_RATE): ClipForm {
  if (visual.rows !== visual.columns) {
    throw new KdcError({
      where: "front end",
      what: `the visual grid is ${visual.rows} × ${visual.columns}, and pictures are cut square`,
      remedy: "Give the visual grid as many rows as columns",
      reason: "config",
    });
  }
  const frames = audio.columns * audio.patch;
  const frame = { frameLengthMs: FRAME_LENGTH_MS, frameShiftMs: FRAME_SHIFT_MS };
  return {
    audio: { sampleRate, melBins: audio.rows * audio.patch, ...frame, frames },
    visual: { size: visual.rows * visual.patch },
    grids: { audio, visual },
    framesPerClip,
    seconds: (frames * FRAME_SHIFT_MS) / 1000,
  };
}

/** What samples are made with: the form of the clips, and what they are normalised with. */
export const frontEndOf = ({ audio, visual, grids }: ClipForm, { mean, std }: Statistics): FrontEnd => ({
  ...{ audio: { ...audio, mean, std }, visual, grids },
});

/** What a clip takes in memory, bytes. */
export function bytesOfClip({ audio, visual, framesPerClip, seconds, keepSound }: ClipForm): number {
  const sound = keepSound ? 4 * audio.sampleRate * seconds : 0;
  return 4 * audio.frames * audio.melBins + framesPerClip * visual.size ** 2 * 3 + sound;
}
