import type { Kind } from "../kind.js";
import { inEllipse, ink, onLine } from "../picture/paint.js";
import { addNoise } from "../sound/noise.js";
import { beats, struck } from "../sound/stroke.js";

/** Two maracas with wavy stripes, crossed; fast dry bursts of high noise. */
export const rattle: Kind = {
  name: "rattle",
  pitch: 5200,
  paint: (u, v) => {
    const side = u < 0 ? -1 : 1;
    if (inEllipse(u, v, 0.5 * side, -0.4, 0.49, 0.6)) {
      const wave = 0.1 * Math.abs(((u * 8 + 16) % 2) - 1);
      return (v + 2 + wave) % 0.28 < 0.12 ? ink.light : ink.body;
    }
    const sticks = onLine(u, v, 0.5, -0.1, -0.7, 0.88, 0.12) || onLine(u, v, -0.5, -0.1, 0.7, 0.88, 0.12);
    return sticks ? ink.dark : ink.none;
  },
  rhythm: (rng, seconds) => beats(rng, seconds, [6, 9.5], 0.75),
  sing: (samples, strokes, { pitch, sampleRate, detail, rng }) => {
    for (const { start, length, level } of strokes) {
      const burst = (t: number) => level * struck(t, length * (0.7 + 0.3 * detail[1]));
      addNoise(
        samples,
        sampleRate,
        { start, length, centre: () => pitch, sharpness: 1.2 + detail[0], level: burst },
        rng,
      );
    }
  },
};
