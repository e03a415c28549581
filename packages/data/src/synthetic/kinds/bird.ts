import type { Kind } from "../kind.js";
import { inDisc, inEllipse, ink, onLine } from "../picture/paint.js";
import { beats, held } from "../sound/stroke.js";
import { addTone, sine } from "../sound/tone.js";

/** A round bird with slanting feathers and a wing that flaps; quick whistled sweeps. */
export const bird: Kind = {
  name: "bird",
  pitch: 3300,
  paint: (u, v, swing) => {
    if (inDisc(u, v, 0.55, -0.6, 0.12)) return ink.dark;
    if (inDisc(u, v, 0.52, -0.58, 0.2)) return ink.light;
    if (u > 0.7 && u < 1 && Math.abs(v + 0.48) < 0.9 * (1 - u)) return ink.accent;
    if (inDisc(u, v, 0.45, -0.52, 0.43)) return ink.body;
    if (inEllipse(u, v, -0.2, 0.12 + 0.08 * Math.sin(swing), 0.5, 0.28))
      return (u + v + 4) % 0.3 < 0.14 ? ink.dark : ink.accent;
    if (inEllipse(u, v, -0.05, 0.2, 0.72, 0.55)) return (u - v + 4) % 0.36 < 0.15 ? ink.light : ink.body;
    if (u < -0.4 && u > -1 && Math.abs(v + 0.1 - 0.4 * (u + 1)) < 0.2) return ink.dark;
    const leg = onLine(u, v, -0.15, 0.6, -0.2, 0.98, 0.07) || onLine(u, v, 0.2, 0.6, 0.25, 0.98, 0.07);
    return leg ? ink.dark : ink.none;
  },
  rhythm: (rng, seconds) => beats(rng, seconds, [3.5, 6], 0.6),
  sing: (samples, strokes, { pitch, sampleRate, detail }) => {
    for (const { start, length, level } of strokes) {
      const reach = 0.35 + 0.35 * detail[0];
      addTone(samples, sampleRate, sine, {
        start,
        length,
        pitch: (t) => pitch * 2 ** (reach * Math.sin((detail[1] < 0.5 ? 1.5 : -1.5) * Math.PI * (t / length) + 0.6)),
        level: (t) => level * held(t, length),
      });
    }
  },
};
