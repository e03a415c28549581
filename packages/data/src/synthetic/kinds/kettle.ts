import type { Kind } from "../kind.js";
import { inDisc, inEllipse, ink, inRectangle, onLine } from "../picture/paint.js";
import { addNoise } from "../sound/noise.js";
import { held, phrases } from "../sound/stroke.js";

/** A criss-crossed pot with a spout, lid and handle; a hiss of steam that rises. */
export const kettle: Kind = {
  name: "kettle",
  pitch: 4200,
  paint: (u, v, swing) => {
    if (inDisc(u, v, -0.1, -0.36 - 0.06 * Math.sin(swing), 0.12)) return ink.dark;
    const arch = Math.hypot(u + 0.1, (v + 0.25) * 0.9);
    if (v < -0.25 && arch > 0.55 && arch < 0.7) return ink.dark;
    if (onLine(u, v, 0.45, 0.45, 0.93, -0.3, 0.13)) return v < -0.15 ? ink.dark : ink.accent;
    if (inEllipse(u, v, -0.1, -0.2, 0.5, 0.14)) return ink.light;
    if (!inEllipse(u, v, -0.1, 0.4, 0.85, 0.62) || v > 0.95) return ink.none;
    if (inRectangle(u, v, -1, 0.8, 1, 1)) return ink.accent;
    const woven = Math.abs(((u + v + 4) % 0.44) - 0.22) < 0.07 || Math.abs(((u - v + 4) % 0.44) - 0.22) < 0.07;
    return woven ? ink.light : ink.body;
  },
  rhythm: (rng, seconds) => phrases(rng, seconds, [1, 2]),
  sing: (samples, strokes, { pitch, sampleRate, detail, rng }) => {
    for (const { start, length, level } of strokes) {
      const centre = (t: number) => pitch * (0.8 + 0.4 * (t / length) * (0.5 + detail[0]));
      const steam = (t: number) => level * held(t, length) * (0.55 + 0.45 * Math.min(1, t / (0.3 * length)));
      addNoise(samples, sampleRate, { start, length, centre, sharpness: 1.6 + 1.5 * detail[1], level: steam }, rng);
    }
  },
};
