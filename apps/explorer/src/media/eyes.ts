import { audioGrid, type ClipGrids, visualGrid } from "@kdc-mae/core";
import { publishedAudio } from "@kdc-mae/data";
import type { Seeing } from "./worker.js";

/** What is needed of a model to see a clip as it does. */
export type Eyes = {
  readonly grids: ClipGrids;
  readonly statistics: { readonly mean: number; readonly std: number; readonly sampleRate?: number };
};

/** Without a model, the published sizes. */
export const publishedEyes: Eyes = {
  grids: { audio: audioGrid(1024, 128, 16), visual: visualGrid(224, 16) },
  statistics: { mean: publishedAudio.mean, std: publishedAudio.std },
};

/** How a clip is read for these grids; the same numbers as the command line's front end. */
export function seeingOf({ grids, statistics }: Eyes): Seeing {
  const { frameLengthMs, frameShiftMs, sampleRate } = publishedAudio;
  return {
    logMel: {
      sampleRate: statistics.sampleRate ?? sampleRate,
      melBins: grids.audio.rows * grids.audio.patch,
      ...{ frameLengthMs, frameShiftMs },
    },
    seconds: (grids.audio.columns * grids.audio.patch * frameShiftMs) / 1000,
    size: grids.visual.rows * grids.visual.patch,
    pictures: 10,
  };
}
