/**
 * ‖ours − reference‖ / ‖reference‖; infinite where the sizes differ, NaN where ours is.
 *
 * @param floor stands for ‖reference‖ where that is smaller: rounding alone would else decide
 */
export function relativeError(ours: ArrayLike<number>, reference: ArrayLike<number>, floor = 0): number {
  if (ours.length !== reference.length) return Number.POSITIVE_INFINITY;
  let apart = 0;
  for (let i = 0; i < reference.length; i++) apart += (ours[i] - reference[i]) ** 2;
  return apart === 0 ? 0 : Math.sqrt(apart) / Math.max(norm(reference), floor);
}

/** Root of the sum of squares. */
export function norm(values: ArrayLike<number>): number {
  let size = 0;
  for (let i = 0; i < values.length; i++) size += values[i] ** 2;
  return Math.sqrt(size);
}

/** Relative errors by what was compared. */
export type Errors = Readonly<Record<string, number>>;

/** The largest error, NaN if one is; 0 where nothing was compared. */
export const worst = (errors: Errors): number => Math.max(0, ...Object.values(errors));

/** Largest errors that count as the same numbers in float32. */
export const limits = { values: 1e-4, gradients: 1e-3 } as const;

/** What was compared of one part of a folder: `worst` is what must stay within the limits. */
export type PartErrors = { readonly worst: number; readonly errors: Errors; readonly pass: boolean };

/** A part whose errors all count alike. */
export const judged = (errors: Errors): PartErrors => ({
  worst: worst(errors),
  errors,
  pass: worst(errors) <= limits.values,
});
