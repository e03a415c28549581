import { type ClipGrids, countPatches, float32, type HostPatches, patchLength } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { cutFrame, cutSpectrogram, normalizeFrame, normalizeSpectrogram } from "@kdc-mae/data";
import type { Statistics } from "./statistics.js";

/** One sample: a clip and which of its pictures. */
export type Pick = { readonly clip: StoredClip; readonly frame: number };

/** Cuts samples into the patches of one batch, in order. audio `[B, Na, Pa]`, visual `[B, Nv, Pv]`. */
export function cutBatch(picks: readonly Pick[], grids: ClipGrids, statistics: Statistics): HostPatches {
  const batch = (grid: ClipGrids["audio"]) => float32([picks.length, countPatches(grid), patchLength(grid)]);
  const patches = { audio: batch(grids.audio), visual: batch(grids.visual) };
  const size = grids.visual.rows * grids.visual.patch;
  for (const [index, { clip, frame }] of picks.entries()) {
    const spectrogram = normalizeSpectrogram(clip.spectrogram, statistics.mean, statistics.std);
    const audio = cutSpectrogram(spectrogram, grids.audio).data;
    const picture = { width: size, height: size, data: clip.frames[frame], time: clip.times[frame] };
    const visual = cutFrame(normalizeFrame(picture), grids.visual).data;
    patches.audio.data.set(audio, index * audio.length);
    patches.visual.data.set(visual, index * visual.length);
  }
  return patches;
}
