import type { Kind } from "../kind.js";
import { ink, inRectangle } from "../picture/paint.js";
import { beats, struck } from "../sound/stroke.js";
import { addTone, harmonics, waveTable } from "../sound/tone.js";

/** Steps of the major scale in semitones. */
const scale = [0, 2, 4, 5, 7, 9, 11, 12] as const;

/** A keyboard of white and black keys; runs of struck notes. */
export const piano: Kind = {
  name: "piano",
  pitch: 420,
  paint: (u, v) => {
    if (!inRectangle(u, v, -0.99, -0.75, 0.99, 0.78)) return ink.none;
    if (v < -0.5) return ink.body;
    if (v > 0.62) return ink.accent;
    const key = ((u + 1) * 3) % 1;
    if (v < 0.12 && (key < 0.27 || key > 0.73)) return ink.dark;
    return key < 0.06 || key > 0.94 ? ink.dark : ink.light;
  },
  rhythm: (rng, seconds) => beats(rng, seconds, [4, 6], 1.1),
  sing: (samples, strokes, { pitch, sampleRate, detail, rng }) => {
    const table = waveTable(harmonics(1.6 * pitch, 8, (n) => Math.exp((-n * (1.2 - 0.5 * detail[0])) / 1.4)));
    let step = rng.integer(scale.length);
    for (const { start, length, level } of strokes) {
      const note = pitch * 2 ** ((scale[step] - 6) / 12);
      addTone(samples, sampleRate, table, {
        start,
        length,
        pitch: () => note,
        level: (t) => level * struck(t, length),
      });
      step = (step + (detail[1] < 0.5 ? 1 : scale.length - 1) + rng.integer(2)) % scale.length;
    }
  },
};
