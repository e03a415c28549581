/**
 * Clips for `own-embed.mjs`: a tone and a striped picture each. Three kinds; the higher the tone, the finer the stripes,
 * and both vary from clip to clip.
 */
const kinds = { horn: 0.01, whistle: 0.04, siren: 0.09 };

/** Uniform numbers from a seed (a linear congruential generator). */
function uniforms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

/** Clips with 400 samples of sound and 256 grey pixels each, two in three for training. */
export function makeClips(count = 75, seed = 3) {
  const uniform = uniforms(seed);
  return Array.from({ length: count }, (_, clip) => {
    const [kind, pitch] = Object.entries(kinds)[clip % 3];
    const own = pitch * (0.6 + 0.8 * uniform());
    const loud = 0.5 + uniform();
    const wave = (step, noise) => Math.sin(2 * Math.PI * own * step) + noise * (uniform() - 0.5);
    return {
      kind,
      split: clip % 9 < 6 ? "train" : "test",
      samples: Array.from({ length: 400 }, (_, t) => loud * wave(t, 0.2)),
      pixels: Array.from({ length: 256 }, (_, at) => wave(at, 0.4)),
    };
  });
}
