import type { Kind } from "../kind.js";
import { ink } from "../picture/paint.js";
import { addNoise } from "../sound/noise.js";
import { held, phrases } from "../sound/stroke.js";
import { addTone, harmonics, waveTable } from "../sound/tone.js";

/** A toothed wheel that turns; a low buzz of many harmonics in exhaust noise. */
export const engine: Kind = {
  name: "engine",
  pitch: 62,
  paint: (u, v, swing) => {
    const radius = Math.hypot(u, v);
    if (radius > 1) return ink.none;
    const angle = Math.atan2(v, u) + swing / 3;
    if (radius > 0.72) return Math.sin(8 * angle) > 0 ? ink.dark : ink.none;
    if (radius < 0.2) return ink.dark;
    if (radius < 0.34) return ink.light;
    return radius > 0.4 && radius < 0.62 && Math.cos(4 * angle) > 0.35 ? ink.accent : ink.body;
  },
  rhythm: (rng, seconds) => phrases(rng, seconds, [1, 2]),
  sing: (samples, strokes, { pitch, sampleRate, detail, rng }) => {
    const table = waveTable(
      harmonics(pitch, 28, (n) => (1 + (n % 4 === 0 ? detail[0] : 0)) / n ** (0.5 + 0.5 * detail[1])),
    );
    for (const { start, length, level } of strokes) {
      const revs = (t: number) => pitch * (1 + 0.25 * detail[2] * Math.sin(2.2 * t + 6 * detail[3]));
      addTone(samples, sampleRate, table, { start, length, pitch: revs, level: (t) => level * held(t, length) });
      const exhaust = (t: number) => 2.2 * level * held(t, length) * (0.5 + 0.5 * Math.sin(Math.PI * pitch * t));
      addNoise(samples, sampleRate, { start, length, centre: () => 6 * pitch, sharpness: 0.7, level: exhaust }, rng);
    }
  },
};
