import type { Kind } from "../kind.js";
import { inDisc, inEllipse, ink, onLine } from "../picture/paint.js";
import { addNoise } from "../sound/noise.js";
import { beats, struck } from "../sound/stroke.js";

/** Two dotted maracas, crossed; fast dry bursts of high noise. */
export const rattle: Kind = {
  name: "rattle",
  pitch: 5200,
  paint: (u, v) => {
    const side = u < 0 ? -1 : 1;
    if (inEllipse(u, v, 0.56 * side, -0.48, 0.42, 0.5)) {
      if (Math.abs(v + 0.42) < 0.13) return ink.accent;
      const dotU = Math.abs(u) - 0.56;
      return inDisc(dotU, v, 0.13, -0.74, 0.1) || inDisc(dotU, v, -0.14, -0.1, 0.1) ? ink.light : ink.body;
    }
    const sticks = onLine(u, v, 0.5, -0.1, -0.6, 0.92, 0.11) || onLine(u, v, -0.5, -0.1, 0.6, 0.92, 0.11);
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
