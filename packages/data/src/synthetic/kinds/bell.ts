import type { Kind } from "../kind.js";
import { inDisc, ink, inRectangle } from "../picture/paint.js";
import { beats, struck } from "../sound/stroke.js";
import { addTone, sine } from "../sound/tone.js";

/** Partials of a church bell relative to its strike note, and how fast each dies. */
const partials = [
  [0.5, 0.5, 1],
  [1, 1, 0.8],
  [1.19, 0.6, 0.7],
  [1.5, 0.4, 0.5],
  [2, 0.7, 0.5],
  [2.76, 0.5, 0.3],
  [4.07, 0.35, 0.2],
] as const;

/** A flared bell with dark bands and a swinging clapper; inharmonic partials that die away. */
export const bell: Kind = {
  name: "bell",
  pitch: 620,
  paint: (u, v, swing) => {
    const depth = (v + 0.8) / 1.3;
    if (depth > 0 && depth < 1) {
      const half = 0.18 + 0.35 * Math.sqrt(depth) + 0.42 * depth ** 4;
      if (Math.abs(u) < half) {
        if (depth > 0.86) return ink.accent;
        return (v + 1) % 0.4 < 0.16 ? ink.dark : ink.body;
      }
    }
    if (inDisc(u, v, 0.3 * Math.sin(swing), 0.74, 0.25)) return ink.accent;
    return inRectangle(u, v, -0.14, -1, 0.14, -0.8) ? ink.dark : ink.none;
  },
  rhythm: (rng, seconds) => beats(rng, seconds, [1, 1.9], 1.3),
  sing: (samples, strokes, { pitch, sampleRate, detail }) => {
    for (const { start, length, level } of strokes) {
      for (const [index, [ratio, amplitude, life]] of partials.entries()) {
        const tilt = index > 3 ? 0.5 + detail[0] : 1;
        addTone(samples, sampleRate, sine, {
          start,
          length,
          pitch: () => pitch * ratio * (1 + 0.01 * (detail[1] - 0.5) * index),
          level: (t) => level * amplitude * tilt * struck(t, length * life),
        });
      }
    }
  },
};
