/** Random fill of an object's body: which pattern, how fine, how strong, and its phase. */
export type Texture = {
  readonly pattern: number;
  readonly fineness: number;
  readonly strength: number;
  readonly phase: number;
};

const patterns: readonly ((u: number, v: number, phase: number) => number)[] = [
  () => 0,
  (u, v, phase) => Math.sin(u + phase) * Math.sin(v - phase),
  (u, v, phase) => Math.sin(u * Math.cos(phase) + v * Math.sin(phase)),
  (u, v, phase) => 0.25 * (u * Math.cos(phase) + v * Math.sin(phase)),
];

/** How many patterns there are. */
export const patternCount: number = patterns.length;

/** Factor by which the fill brightens or darkens the body at (u, v). */
export const shade = ({ pattern, fineness, strength, phase }: Texture, u: number, v: number): number =>
  1 + strength * patterns[pattern](u * fineness, v * fineness, phase);
