import type { Kind } from "../kind.js";
import { inDisc, inEllipse, ink } from "../picture/paint.js";
import { addNoise } from "../sound/noise.js";
import { beats, held } from "../sound/stroke.js";
import { addTone, harmonics, waveTable } from "../sound/tone.js";

/** A wide spotted head with bulging eyes and a broad mouth; croaks made of a rattling train of pulses. */
export const frog: Kind = {
  name: "frog",
  pitch: 480,
  paint: (u, v, swing) => {
    const eye = Math.abs(u) - 0.56;
    if (inDisc(eye, v, 0, -0.62, 0.15)) return ink.dark;
    if (inDisc(eye, v, 0, -0.62, 0.28)) return ink.light;
    if (inDisc(eye, v, 0, -0.6, 0.39)) return ink.body;
    if (!inEllipse(u, v, 0, 0.22, 0.99, 0.78)) return ink.none;
    const lip = 0.2 + 0.3 * (1 - u * u);
    const gape = 0.08 + 0.06 * (1 + Math.sin(swing));
    if (Math.abs(u) < 0.8 && Math.abs(v - lip) < gape) return ink.dark;
    if (v > lip) return ink.accent;
    return inDisc(((u + 2) % 0.4) - 0.2, ((v + 2) % 0.36) - 0.18, 0, 0, 0.12) ? ink.dark : ink.body;
  },
  rhythm: (rng, seconds) => beats(rng, seconds, [1.7, 3], 0.62),
  sing: (samples, strokes, { pitch, sampleRate, detail, rng }) => {
    const rattle = 30 + 22 * detail[0];
    const table = waveTable(harmonics(pitch, 4, (n) => [0.6, 1, 0.7, 0.3][n - 1]));
    for (const { start, length, level } of strokes) {
      const shape = (t: number) => level * held(t, length) * Math.max(0, Math.sin(2 * Math.PI * rattle * t)) ** 2;
      const rise = (t: number) => pitch * (0.85 + (0.3 * t) / length);
      addTone(samples, sampleRate, table, { start, length, pitch: rise, level: shape });
      const throat = (t: number) => (0.5 + detail[1]) * shape(t);
      addNoise(samples, sampleRate, { start, length, centre: () => 2.4 * pitch, sharpness: 2, level: throat }, rng);
    }
  },
};
