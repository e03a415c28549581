import type { Kind } from "../kind.js";
import { ink, inRectangle } from "../picture/paint.js";
import { addNoise } from "../sound/noise.js";
import { held, phrases } from "../sound/stroke.js";

/** Three turning blades in a ring on a stand; low wind noise chopped by the blades. */
export const fan: Kind = {
  name: "fan",
  pitch: 420,
  paint: (u, v, swing) => {
    const radius = Math.hypot(u, v + 0.2);
    if (radius < 0.78) {
      if (radius < 0.15) return ink.dark;
      if (radius > 0.68) return ink.dark;
      const angle = Math.atan2(v + 0.2, u) + swing;
      return Math.sin(3 * angle) > 0 ? ink.body : ink.light;
    }
    if (inRectangle(u, v, -0.12, 0.5, 0.12, 0.85)) return ink.dark;
    return inRectangle(u, v, -0.7, 0.82, 0.7, 1) ? ink.accent : ink.none;
  },
  rhythm: (rng, seconds) => phrases(rng, seconds, [1, 2]),
  sing: (samples, strokes, { pitch, sampleRate, detail, rng }) => {
    const chop = 9 + 8 * detail[0];
    for (const { start, length, level } of strokes) {
      const wind = (t: number) => level * held(t, length) * (0.5 + 0.5 * Math.sin(2 * Math.PI * chop * t)) ** 1.5;
      addNoise(
        samples,
        sampleRate,
        { start, length, centre: () => pitch, sharpness: 0.7 + detail[1], level: wind },
        rng,
      );
    }
  },
};
