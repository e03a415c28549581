import { type ClipGrids, countPatches, float32, type HostPatches, patchLength } from "@kdc-mae/core";
import { cutFrame, cutSpectrogram, normalizeFrame, normalizeSpectrogram } from "@kdc-mae/data";
import type { StoredClip } from "./stored-clip.js";

/** Mean and standard deviation of log-mel values, of sound at a rate in Hz: 16,000 unless it says another. */
export type Statistics = { readonly mean: number; readonly std: number; readonly sampleRate?: number };

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

/** Mean and standard deviation over every log-mel value of some clips. */
export function measureStatistics(clips: readonly StoredClip[]): Statistics {
  let [count, sum, squares] = [0, 0, 0];
  for (const { spectrogram } of clips) {
    for (const value of spectrogram.data) {
      sum += value;
      squares += value * value;
    }
    count += spectrogram.data.length;
  }
  const mean = sum / count;
  return { mean, std: Math.sqrt(squares / count - mean * mean) };
}
