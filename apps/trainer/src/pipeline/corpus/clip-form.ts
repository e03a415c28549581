import { type ClipGrids, KdcError } from "@kdc-mae/core";
import type { FrontEnd, StoredForm } from "@kdc-mae/data";
import type { Statistics } from "./statistics.js";

/**
 * What is taken of a clip for a model with these grids: its form in memory, and what is asked of the decoder. Where its
 * sound has a window, the grids are that of one picture and the stretch of sound around it, and the clip is longer.
 */
export type ClipForm = StoredForm & {
  readonly grids: ClipGrids;
  readonly framesPerClip: number;
  /** How much of a clip the spectrogram covers, seconds; pictures are taken from the same stretch. */
  readonly seconds: number;
};

const SAMPLE_RATE = 16_000;
const FRAME_LENGTH_MS = 25;
const FRAME_SHIFT_MS = 10;

/** Spectrogram frames in so many seconds. */
export const framesIn = (seconds: number): number => Math.round((1000 * seconds) / FRAME_SHIFT_MS);

/** What an experiment says of its clips' pictures and of the sound beside them. */
export type Pairing = {
  readonly framesPerClip?: number | undefined;
  readonly window?: number | undefined;
  readonly seconds?: number | undefined;
};

/**
 * The form a model's grids ask for: Kaldi log-mel with 25 ms frames every 10 ms, and ten pictures of a clip by default.
 *
 * @param pairing pictures of a clip, and with a `window` how many seconds of it are taken, each picture with the sound
 * around it; or the number of pictures alone
 * @param sampleRate Hz; 16,000 unless given
 * @throws KdcError when the visual grid is not square
 */
export function clipFormFor(
  { audio, visual }: ClipGrids,
  pairing: Pairing | number = {},
  sampleRate = SAMPLE_RATE,
): ClipForm {
  const {
    framesPerClip = 10,
    window,
    seconds: whole,
  } = typeof pairing === "number" ? { framesPerClip: pairing } : pairing;
  if (visual.rows !== visual.columns) {
    throw new KdcError({
      where: "front end",
      what: `the visual grid is ${visual.rows} × ${visual.columns}, and pictures are cut square`,
      remedy: "Give the visual grid as many rows as columns",
      reason: "config",
    });
  }
  const heard = audio.columns * audio.patch;
  const frames = window === undefined || whole === undefined ? heard : Math.max(heard, framesIn(whole));
  const frame = { frameLengthMs: FRAME_LENGTH_MS, frameShiftMs: FRAME_SHIFT_MS };
  return {
    audio: {
      ...{ sampleRate, melBins: audio.rows * audio.patch, ...frame, frames },
      ...(window === undefined ? {} : { window: heard }),
    },
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
