import type { Kind } from "../kind.js";
import { ink, onLine } from "../picture/paint.js";
import { addNoise } from "../sound/noise.js";
import { beats, struck } from "../sound/stroke.js";

/** A dial with hour marks and two hands; a steady tick and tock. */
export const clock: Kind = {
  name: "clock",
  pitch: 2100,
  paint: (u, v, swing) => {
    const radius = Math.hypot(u, v);
    if (radius > 1) return ink.none;
    if (radius > 0.82) return ink.body;
    if (radius < 0.1) return ink.accent;
    if (onLine(u, v, 0, 0, 0.62 * Math.sin(swing), -0.62 * Math.cos(swing), 0.075)) return ink.dark;
    if (onLine(u, v, 0, 0, 0.4 * Math.cos(swing / 12), 0.4 * Math.sin(swing / 12), 0.1)) return ink.dark;
    if (radius > 0.6 && radius < 0.76 && Math.cos(12 * Math.atan2(v, u)) > 0.55) return ink.accent;
    return ink.light;
  },
  rhythm: (rng, seconds) => beats(rng, seconds, [3.2, 5], 0.25),
  sing: (samples, strokes, { pitch, sampleRate, detail, rng }) => {
    for (const [index, { start, length, level }] of strokes.entries()) {
      const centre = pitch * (index % 2 === 0 ? 1 : 0.62 + 0.15 * detail[0]);
      const tick = (t: number) => level * struck(t, 0.05);
      const band = { start, length: Math.min(length, 0.05), centre: () => centre, sharpness: 5 + 5 * detail[1] };
      addNoise(samples, sampleRate, { ...band, level: tick }, rng);
    }
  },
};
