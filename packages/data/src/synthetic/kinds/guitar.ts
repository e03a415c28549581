import type { Kind } from "../kind.js";
import { inDisc, inEllipse, ink, inRectangle } from "../picture/paint.js";
import { addPluck } from "../sound/pluck.js";
import { beats } from "../sound/stroke.js";

/** Steps of the scale the notes are taken from, in semitones. */
const scale = [0, 3, 5, 7, 10, 12] as const;

/** A waisted body of long grain with a sound hole and a long neck; plucked strings. */
export const guitar: Kind = {
  name: "guitar",
  pitch: 190,
  paint: (u, v) => {
    if (inRectangle(u, v, -0.28, -1, 0.28, -0.78)) return ink.dark;
    if (inRectangle(u, v, -0.13, -0.8, 0.13, -0.15)) return Math.abs(((v + 1) * 8) % 1) < 0.3 ? ink.light : ink.dark;
    const body = inEllipse(u, v, 0, 0.08, 0.62, 0.36) || inEllipse(u, v, 0, 0.58, 0.92, 0.42);
    if (!body) return ink.none;
    if (inRectangle(u, v, -0.4, 0.7, 0.4, 0.84)) return ink.dark;
    if (inDisc(u, v, 0, 0.3, 0.27)) return inDisc(u, v, 0, 0.3, 0.19) ? ink.dark : ink.accent;
    return Math.abs(u) < 0.07 ? ink.light : Math.abs(u) % 0.3 < 0.07 ? ink.dark : ink.body;
  },
  rhythm: (rng, seconds) => beats(rng, seconds, [1.8, 3.4], 1.4),
  sing: (samples, strokes, { pitch, sampleRate, detail, rng }) => {
    for (const { start, length, level } of strokes) {
      const note = pitch * 2 ** (scale[rng.integer(scale.length)] / 12);
      addPluck(samples, sampleRate, { start, length, pitch: note, level, brightness: 0.3 + 0.6 * detail[0] }, rng);
    }
  },
};
