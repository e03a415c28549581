/** What lies on one point of an object: nothing (0), its body, its accent, its dark ink or its light ink. */
export type Ink = 0 | 1 | 2 | 3 | 4;

/** Names of the inks. */
export const ink = { none: 0, body: 1, accent: 2, dark: 3, light: 4 } as const;

/**
 * The look of a kind of object: the ink at (u, v), where the object fills −1 … 1 both ways, u to the right and v down.
 * `swing` (radians) is how far its moving part has turned: it advances while the object sounds.
 */
export type Paint = (u: number, v: number, swing: number) => Ink;

/** True inside a disc. */
export const inDisc = (u: number, v: number, cu: number, cv: number, radius: number): boolean =>
  (u - cu) * (u - cu) + (v - cv) * (v - cv) < radius * radius;

/** True inside an upright ellipse. */
export function inEllipse(u: number, v: number, cu: number, cv: number, ru: number, rv: number): boolean {
  const a = (u - cu) / ru;
  const b = (v - cv) / rv;
  return a * a + b * b < 1;
}

/** True inside an upright rectangle given by its edges. */
export const inRectangle = (u: number, v: number, u0: number, v0: number, u1: number, v1: number): boolean =>
  u > u0 && u < u1 && v > v0 && v < v1;

/** True within `half` of the straight line between two points. */
export function onLine(u: number, v: number, u0: number, v0: number, u1: number, v1: number, half: number): boolean {
  const du = u1 - u0;
  const dv = v1 - v0;
  const along = Math.min(1, Math.max(0, ((u - u0) * du + (v - v0) * dv) / (du * du + dv * dv)));
  const a = u - u0 - along * du;
  const b = v - v0 - along * dv;
  return a * a + b * b < half * half;
}
