import type { StoredClip } from "@kdc-mae/data";

/** Mean and standard deviation of log-mel values, of sound at a rate in Hz: 16,000 unless it says another. */
export type Statistics = { readonly mean: number; readonly std: number; readonly sampleRate?: number };

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
