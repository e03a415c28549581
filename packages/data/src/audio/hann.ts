const f = Math.fround;

/**
 * The symmetric Hann window as `torch.hann_window(length, periodic=False)` computes it in float32: the angle is
 * rounded, its cosine taken, halved and lifted.
 */
export function hannWindow(length: number): Float32Array {
  const step = f((2 * Math.PI) / (length - 1));
  return Float32Array.from({ length }, (_, n) => f(-0.5 * cosine(f(n * step))) + 0.5);
}

/** π in three parts, of which the first has so few bits that its small multiples are exact in float32. */
const partsOfPi = [3.1414794921875, 0.00011315942, 1.9841873e-9].map(f);
const [c3, c5, c7, c9] = [-0.1666666, 0.0083330786, -0.00019810691, 2.608316e-6].map(f);

/**
 * Cosine of a float32 angle as SLEEF's `cosf_u10` gives it, which PyTorch uses: the nearest float32 number but for some
 * four in a hundred angles, where it is the next one. A window that differs in those differs in the spectrum, 75 dB and
 * more below the loudest bin of a frame. The angle less an odd number of quarter turns, and the series of the sine.
 */
function cosine(angle: number): number {
  const quarters = 2 * Math.round(angle / Math.PI - 0.5) + 1;
  const rest = partsOfPi.reduce((left, part) => left - f(quarters * (part / 2)), angle);
  const square = f(partsOfPi.reduce((left, part) => f(left - f(quarters * (part / 2))), angle) ** 2);
  const series = f(f(c9 * square + c7) * square + c5);
  const sine = f(rest * (1 + rest * rest * (c3 + f(series * square))));
  return quarters % 4 === 1 ? -sine : sine;
}
