import type { Kind } from "../kind.js";
import { inDisc, ink, inRectangle, onLine } from "../picture/paint.js";
import { held, phrases } from "../sound/stroke.js";
import { addTone, harmonics, waveTable } from "../sound/tone.js";

/** A box with a grille, a dial and an aerial; square-wave bleeps that jump from note to note. */
export const radio: Kind = {
  name: "radio",
  pitch: 900,
  paint: (u, v, swing) => {
    if (inRectangle(u, v, -0.98, -0.45, 0.98, 0.95)) {
      if (inRectangle(u, v, -0.8, -0.22, 0.15, 0.75)) {
        return Math.floor((u + 1) * 4.2) % 2 === Math.floor((v + 1) * 4.2) % 2 ? ink.dark : ink.light;
      }
      if (inDisc(u, v, 0.56, 0, 0.27)) {
        return onLine(u, v, 0.56, 0, 0.56 + 0.27 * Math.cos(swing), 0.27 * Math.sin(swing), 0.07)
          ? ink.dark
          : ink.accent;
      }
      return inRectangle(u, v, 0.3, 0.45, 0.82, 0.68) ? ink.accent : ink.body;
    }
    return onLine(u, v, -0.7, -0.4, 0.5, -0.95, 0.06) ? ink.dark : ink.none;
  },
  rhythm: (rng, seconds) => phrases(rng, seconds, [0.5, 1.4]),
  sing: (samples, strokes, { pitch, sampleRate, detail, rng }) => {
    const table = waveTable(harmonics(1.9 * pitch, 9, (n) => (n % 2 === 1 ? 1 / n : 0)));
    const hop = 1 / (9 + 6 * detail[0]);
    for (const { start, length, level } of strokes) {
      const notes = Array.from(
        { length: Math.ceil(length / hop) + 2 },
        () => pitch * 2 ** (1.8 * (rng.uniform() - 0.5)),
      );
      addTone(samples, sampleRate, table, {
        start,
        length,
        pitch: (t) => notes[Math.floor(t / hop)],
        level: (t) => level * held(t, length),
      });
    }
  },
};
