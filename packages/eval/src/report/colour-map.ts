/** Red, green, blue, 0–255. */
export type Rgb = readonly [red: number, green: number, blue: number];
/** 0–1 → colour. */
export type ColourMap = (value: number) => Rgb;

/** OKLCH (Ottosson 2020) to sRGB: `lightness` 0–1, `chroma` about 0–0.3, `hue` in degrees. */
function oklch(lightness: number, chroma: number, hue: number): Rgb {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const gamma = (value: number) => {
    const inside = Math.min(1, Math.max(0, value));
    return Math.round(255 * (inside <= 0.0031308 ? 12.92 * inside : 1.055 * inside ** (1 / 2.4) - 0.055));
  };
  return [gamma(linear[0]), gamma(linear[1]), gamma(linear[2])];
}

/** A ramp of even steps in lightness with a turning hue, tabled at 256 places. */
function ramp(of: (t: number) => Rgb): ColourMap {
  const table = Array.from({ length: 256 }, (_, index) => of(index / 255));
  return (value) => table[Math.min(255, Math.max(0, Math.round(255 * value)))];
}

/** Indigo through teal to pale yellow: for spectrograms and confusion. Lightness alone tells the order. */
export const spectrumColours = ramp((t) =>
  oklch(0.2 + 0.74 * t, 0.07 + 0.1 * Math.sin(Math.PI * t) + 0.06 * t, 295 - 190 * t),
);

/** Dark red through orange to pale yellow: for heat over a picture. */
export const heatColours = ramp((t) => oklch(0.35 + 0.58 * t, 0.19 - 0.07 * t, 18 + 84 * t));
