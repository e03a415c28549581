import type { Kind } from "../kind.js";
import { inDisc, ink, inRectangle } from "../picture/paint.js";
import { addNoise } from "../sound/noise.js";
import { held, phrases } from "../sound/stroke.js";
import { addTone, sine } from "../sound/tone.js";

/** A referee's whistle of dark and light rings with a rolling pea; a high, fast-trilling sine in breath noise. */
export const whistle: Kind = {
  name: "whistle",
  pitch: 2500,
  paint: (u, v, swing) => {
    if (inDisc(u, v, -0.3, 0.27, 0.72)) {
      if (inDisc(u, v, -0.3 + 0.2 * Math.cos(swing), 0.27 + 0.2 * Math.sin(swing), 0.15)) return ink.accent;
      return Math.hypot(u + 0.3, v - 0.27) % 0.36 < 0.18 ? ink.light : ink.dark;
    }
    if (inRectangle(u, v, -0.35, -0.95, 1, -0.35)) {
      if (u > 0.72) return ink.accent;
      return inRectangle(u, v, 0, -0.95, 0.3, -0.6) ? ink.dark : ink.body;
    }
    return inRectangle(u, v, -0.3, -0.4, 0.45, 0.1) ? ink.body : ink.none;
  },
  rhythm: (rng, seconds) => phrases(rng, seconds, [0.3, 0.9]),
  sing: (samples, strokes, { pitch, sampleRate, detail, rng }) => {
    const trill = 24 + 16 * detail[0];
    for (const { start, length, level } of strokes) {
      addTone(samples, sampleRate, sine, {
        start,
        length,
        pitch: (t) => pitch * (1 + 0.05 * Math.sin(2 * Math.PI * trill * t)),
        level: (t) => level * held(t, length) * (0.75 + 0.25 * Math.sin(2 * Math.PI * trill * t)),
      });
      const breath = (t: number) => (0.1 + 0.25 * detail[1]) * level * held(t, length);
      addNoise(samples, sampleRate, { start, length, centre: () => pitch, sharpness: 3, level: breath }, rng);
    }
  },
};
