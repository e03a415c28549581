import type { Kind } from "../kind.js";
import { inEllipse, ink } from "../picture/paint.js";
import { addNoise } from "../sound/noise.js";
import { beats, struck } from "../sound/stroke.js";
import { addTone, sine } from "../sound/tone.js";

/** A laced drum; a low thump that falls in pitch, with a short slap of noise. */
export const drum: Kind = {
  name: "drum",
  pitch: 95,
  paint: (u, v) => {
    if (inEllipse(u, v, 0, -0.55, 0.97, 0.42)) return inEllipse(u, v, 0, -0.55, 0.8, 0.29) ? ink.light : ink.dark;
    const bottom = 0.62 + 0.36 * Math.sqrt(Math.max(0, 1 - u * u));
    if (Math.abs(u) > 0.95 || v < -0.55 || v > bottom) return ink.none;
    if (v > bottom - 0.15) return ink.accent;
    const zigzag = Math.abs((((((u + 0.95) / 0.475) % 2) + 2) % 2) - 1);
    return Math.abs(v - (-0.05 + 0.75 * zigzag)) < 0.16 ? ink.dark : ink.body;
  },
  rhythm: (rng, seconds) => beats(rng, seconds, [1.8, 3.6], 0.8),
  sing: (samples, strokes, { pitch, sampleRate, detail, rng }) => {
    for (const { start, length, level } of strokes) {
      addTone(samples, sampleRate, sine, {
        start,
        length,
        pitch: (t) => pitch * (1 + (1 + detail[0]) * Math.exp(-t / 0.04)),
        level: (t) => level * struck(t, length),
      });
      addNoise(
        samples,
        sampleRate,
        {
          start,
          length: 0.09,
          centre: () => pitch * (9 + 8 * detail[1]),
          sharpness: 0.8,
          level: (t) => 0.9 * level * struck(t, 0.09),
        },
        rng,
      );
    }
  },
};
