/** The splits a run may fit and score. */
export type Split = "train" | "validation" | "test";

const ours: Readonly<Record<string, Split>> = {
  train: "train",
  training: "train",
  validation: "validation",
  validate: "validation",
  val: "validation",
  valid: "validation",
  test: "test",
  testing: "test",
  eval: "test",
};

/** The split of a written name, whatever its capitals: one of ours, or another as it is written. Empty names none. */
export function splitNamed(name: string | undefined): string | undefined {
  const written = name?.trim();
  if (written === undefined || written === "") return undefined;
  const known = written.toLowerCase();
  return Object.hasOwn(ours, known) ? ours[known] : written;
}

/** True for a name of one of our splits: what makes a folder a split and no label. */
export const namesSplit = (name: string): boolean => Object.hasOwn(ours, name.toLowerCase());
