import { createHash } from "node:crypto";
import type { Clip, Frame } from "@kdc-mae/core";

/** Below these a clip counts as unusable. */
export type Thresholds = {
  /** Shortest sound, seconds. */
  readonly seconds: number;
  /** Quietest sound: root mean square without its mean, dB below full scale, such as −70. */
  readonly loudness: number;
  /** Brightness up to which every pixel of every picture must lie for the clip to count as black, 0–255. */
  readonly black: number;
  /** How far any pixel must move between pictures for the clip not to count as frozen, 0–255. */
  readonly movement: number;
};

export const usualThresholds: Thresholds = { seconds: 0.5, loudness: -70, black: 24, movement: 8 };

/** What is wrong with a clip that can be decoded. */
export type ClipFault = { readonly reason: "too-short" | "silent" | "black" | "frozen"; readonly message: string };

/** The first thing wrong with a decoded clip; undefined for a good one. */
export function inspectClip({ waveform, frames }: Clip, limits: Thresholds): ClipFault | undefined {
  const seconds = waveform.samples.length / waveform.sampleRate;
  if (seconds < limits.seconds) return { reason: "too-short", message: `it has ${seconds.toFixed(2)} s of sound` };
  const level = loudness(waveform.samples);
  if (level < limits.loudness) {
    return { reason: "silent", message: `its loudness is ${Number.isFinite(level) ? level.toFixed(0) : "−∞"} dB` };
  }
  if (frames.every(({ data }) => data.every((value) => value <= limits.black))) {
    return { reason: "black", message: `no pixel of ${frames.length} pictures is brighter than ${limits.black}` };
  }
  if (frames.length > 1 && frames.every((frame) => movement(frames[0], frame) < limits.movement)) {
    return { reason: "frozen", message: `no pixel changes over ${frames.length} pictures` };
  }
  return undefined;
}

function loudness(samples: Float32Array): number {
  let [sum, squares] = [0, 0];
  for (const value of samples) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / samples.length;
  return 10 * Math.log10(Math.max(0, squares / samples.length - mean * mean));
}

const movement = (a: Frame, b: Frame): number => {
  let most = 0;
  for (let index = 0; index < a.data.length; index++) most = Math.max(most, Math.abs(a.data[index] - b.data[index]));
  return most;
};

/** A hash of what is heard and seen, whatever file it came in. */
export function contentHash({ waveform, frames }: Clip): string {
  const hash = createHash("sha256");
  const { buffer, byteOffset, byteLength } = waveform.samples;
  hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  for (const { data } of frames) hash.update(data);
  return hash.digest("base64").slice(0, 16);
}
