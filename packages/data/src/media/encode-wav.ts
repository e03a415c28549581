import type { Waveform } from "@kdc-mae/core";

/** A mono 16-bit WAV file; values outside [−1, 1) are clipped. */
export function encodeWav({ samples, sampleRate }: Waveform): Uint8Array {
  const bytes = new Uint8Array(44 + 2 * samples.length);
  const view = new DataView(bytes.buffer);
  const text = (at: number, value: string) => bytes.set(new TextEncoder().encode(value), at);
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 2 * sampleRate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  for (let n = 0; n < samples.length; n++) {
    view.setInt16(44 + 2 * n, Math.max(-32768, Math.min(32767, Math.round(samples[n] * 32768))), true);
  }
  return bytes;
}
