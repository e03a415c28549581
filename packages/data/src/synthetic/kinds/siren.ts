import type { Kind } from "../kind.js";
import { inDisc, ink, inRectangle } from "../picture/paint.js";
import { held, phrases } from "../sound/stroke.js";
import { addTone, harmonics, waveTable } from "../sound/tone.js";

/** A domed light with rays on a base; a reedy tone that slides up and down. */
export const siren: Kind = {
  name: "siren",
  pitch: 760,
  paint: (u, v, swing) => {
    if (inRectangle(u, v, -0.98, 0.6, 0.98, 1)) return v > 0.8 ? ink.dark : ink.accent;
    if (v < 0.6 && inDisc(u, v, 0, 0.6, 0.92)) {
      const beam = Math.cos(swing);
      if (Math.abs(u - 0.5 * beam) < 0.16) return ink.light;
      return Math.hypot(u, v - 0.6) % 0.36 < 0.16 ? ink.dark : ink.body;
    }
    const radius = Math.hypot(u, v - 0.6);
    if (v > 0.2 || radius < 1.06 || radius > 1.6) return ink.none;
    const angle = Math.atan2(0.6 - v, u);
    return Math.abs(Math.sin(3.5 * (angle - Math.PI / 2))) < 0.38 ? ink.dark : ink.none;
  },
  rhythm: (rng, seconds) => phrases(rng, seconds, [1.1, 2]),
  sing: (samples, strokes, { pitch, sampleRate, detail }) => {
    const table = waveTable(harmonics(1.5 * pitch, 9, (n) => (n % 2 === 1 ? 1 : 0.3) / n));
    const rate = 1.1 + 1.4 * detail[0];
    for (const { start, length, level } of strokes) {
      addTone(samples, sampleRate, table, {
        start,
        length,
        pitch: (t) => pitch * 2 ** (-0.5 * Math.cos(2 * Math.PI * (rate * t + detail[1]))),
        level: (t) => level * held(t, length),
      });
    }
  },
};
