/** Samples in [−1, 1] as 16-bit little-endian PCM bytes. */
export function toPcm16(samples: Float32Array): Uint8Array {
  const bytes = new Uint8Array(2 * samples.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < samples.length; i++) {
    view.setInt16(2 * i, Math.round(32767 * Math.min(1, Math.max(-1, samples[i]))), true);
  }
  return bytes;
}
