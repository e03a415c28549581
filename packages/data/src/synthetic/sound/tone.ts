const tableSize = 1024;
/** Samples between two evaluations of pitch and level. */
const controlStep = 16;

/**
 * One period of a waveform from the amplitudes of its harmonics (first = fundamental).
 *
 * @returns `tableSize + 1` samples; the last repeats the first, for interpolation
 */
export function waveTable(harmonics: readonly number[]): Float32Array {
  const table = new Float32Array(tableSize + 1);
  for (const [index, amplitude] of harmonics.entries()) {
    if (amplitude === 0) continue;
    const step = (2 * Math.PI * (index + 1)) / tableSize;
    for (let i = 0; i <= tableSize; i++) table[i] += amplitude * Math.sin(step * i);
  }
  return table;
}

/** A pure sine. */
export const sine: Float32Array = waveTable([1]);

/** What to add: where it starts and how long it lasts (seconds), pitch (Hz) and level as functions of seconds since its start. */
export type Tone = {
  readonly start: number;
  readonly length: number;
  readonly pitch: (seconds: number) => number;
  readonly level: (seconds: number) => number;
};

/** Adds a tone of any waveform to `samples`; pitch and level are followed in steps of 16 samples. */
export function addTone(samples: Float32Array, sampleRate: number, table: Float32Array, tone: Tone): void {
  const first = Math.round(tone.start * sampleRate);
  const last = Math.min(samples.length, first + Math.round(tone.length * sampleRate));
  let phase = 0;
  let level = tone.level(0);
  for (let block = first; block < last; block += controlStep) {
    const seconds = (block - first) / sampleRate;
    const advance = (tone.pitch(seconds) * tableSize) / sampleRate;
    const nextLevel = tone.level(seconds + controlStep / sampleRate);
    const slope = (nextLevel - level) / controlStep;
    const end = Math.min(last, block + controlStep);
    for (let i = block; i < end; i++) {
      const whole = Math.floor(phase);
      samples[i] += level * (table[whole] + (phase - whole) * (table[whole + 1] - table[whole]));
      phase += advance;
      if (phase >= tableSize) phase %= tableSize;
      level += slope;
    }
    level = nextLevel;
  }
}

/** Amplitudes of the harmonics of `pitch` below 7 kHz, at most `most`, from a function of the harmonic's number (1 = fundamental). */
export function harmonics(pitch: number, most: number, amplitude: (number: number) => number): number[] {
  const count = Math.max(1, Math.min(most, Math.floor(7000 / pitch)));
  return Array.from({ length: count }, (_, index) => amplitude(index + 1));
}
