import type { Kind } from "../kind.js";
import { inDisc, ink, inRectangle } from "../picture/paint.js";
import { held, phrases } from "../sound/stroke.js";
import { addTone, harmonics, waveTable } from "../sound/tone.js";

/** A handset of twelve keys and a screen; two steady tones that warble against each other. */
export const phone: Kind = {
  name: "phone",
  pitch: 1250,
  paint: (u, v) => {
    if (!inRectangle(u, v, -0.72, -0.99, 0.72, 0.99)) return ink.none;
    if (!inRectangle(u, v, -0.6, -0.9, 0.6, 0.9)) return ink.body;
    if (inRectangle(u, v, -0.45, -0.75, 0.45, -0.28)) return ink.body;
    if (v < -0.15) return ink.accent;
    const keyU = ((u + 0.6) % 0.4) - 0.2;
    const keyV = ((v + 0.15) % 0.35) - 0.175;
    return inDisc(keyU, keyV, 0, 0, 0.135) ? ink.dark : ink.light;
  },
  rhythm: (rng, seconds) => phrases(rng, seconds, [0.45, 0.9]),
  sing: (samples, strokes, { pitch, sampleRate, detail }) => {
    const table = waveTable(harmonics(1.3 * pitch, 3, (n) => [1, 0.25, 0.3 * detail[0]][n - 1]));
    const warble = 16 + 10 * detail[1];
    for (const { start, length, level } of strokes) {
      addTone(samples, sampleRate, table, {
        start,
        length,
        pitch: (t) => pitch * (Math.sin(2 * Math.PI * warble * t) > 0 ? 1 : 1.25),
        level: (t) => level * held(t, length),
      });
    }
  },
};
