import { type ClipGrids, KdcError } from "@kdc-mae/core";
import { normalizeFrame, type Recording, type FrontEnd as SampleFrontEnd } from "@kdc-mae/data";
import type { Statistics } from "./batch.js";
import type { FrontEnd } from "./front-end.js";
import type { StoredClip } from "./stored-clip.js";

/** What samples are made with: the front end a clip was stored by, and what it is normalised and cut with. */
export const sampleFrontEnd = (
  { logMel, frames, imageSize }: Pick<FrontEnd, "logMel" | "frames" | "imageSize">,
  { mean, std }: Statistics,
  grids: ClipGrids,
): SampleFrontEnd => ({ audio: { ...logMel, frames, mean, std }, visual: { size: imageSize }, grids });

/** A clip in memory as samples are made of it. */
export const recordingOf = ({ item, spectrogram, frames, times, waveform }: StoredClip, size: number): Recording => ({
  where: `clip ${item.id}`,
  labels: item.labels,
  spectrogram: () => spectrogram,
  waveform: () => {
    if (waveform !== undefined) return waveform;
    throw new KdcError({
      where: `clip ${item.id}`,
      what: "it is to be mixed with another, and its sound was not kept",
      remedy: "Store clips with keepSound where samples are mixed",
      reason: "option",
    });
  },
  pictures: frames.length,
  picture: (index) => normalizeFrame({ width: size, height: size, data: frames[index], time: times[index] }),
});
