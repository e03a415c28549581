/** Every plain value of an experiment by its dotted path, as text. */
export function plainValues(value: unknown, path = ""): readonly (readonly [key: string, text: string])[] {
  if (typeof value !== "object" || value === null) return [[path, String(value)]];
  return Object.entries(value).flatMap(([key, part]) => plainValues(part, path === "" ? key : `${path}.${key}`));
}
