import type { Kind } from "../kind.js";
import { inDisc, ink, inRectangle } from "../picture/paint.js";
import { held, phrases } from "../sound/stroke.js";
import { addTone, harmonics, waveTable } from "../sound/tone.js";

/** A brass cone with a rubber bulb; two saw-toothed notes a third apart. */
export const horn: Kind = {
  name: "horn",
  pitch: 330,
  paint: (u, v) => {
    if (u > 0.84 && u < 1 && Math.abs(v) < 0.97) return ink.dark;
    if (u > -0.35 && u <= 0.84) {
      const along = (u + 0.35) / 1.19;
      const half = 0.22 + 0.7 * along ** 1.5;
      if (Math.abs(v) < half) return Math.sin(18 * along) > 0.25 ? ink.dark : ink.light;
    }
    if (inDisc(u, v, -0.64, 0, 0.36)) return inDisc(u, v, -0.72, -0.1, 0.13) ? ink.light : ink.body;
    return inRectangle(u, v, -0.1, 0.1, 0.1, 0.7) ? ink.dark : ink.none;
  },
  rhythm: (rng, seconds) => phrases(rng, seconds, [0.25, 0.8]),
  sing: (samples, strokes, { pitch, sampleRate, detail }) => {
    const third = detail[0] < 0.5 ? 1.19 : 1.26;
    const table = waveTable(harmonics(pitch * third, 18, (n) => 1 / n ** (0.7 + 0.5 * detail[1])));
    for (const { start, length, level } of strokes) {
      for (const ratio of [1, third]) {
        addTone(samples, sampleRate, table, {
          start,
          length,
          pitch: () => pitch * ratio,
          level: (t) => level * held(t, length),
        });
      }
    }
  },
};
