type Json = Record<string, unknown>;

const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A base with changes laid over it: records merge key by key, lists and values are replaced, `null` removes a key. */
export function withChanges(base: unknown, changes: unknown): unknown {
  if (!isRecord(base) || !isRecord(changes)) return changes;
  const merged: Json = { ...base };
  for (const [key, change] of Object.entries(changes)) {
    if (change === null) delete merged[key];
    else merged[key] = key in base ? withChanges(base[key], change) : change;
  }
  return merged;
}

/** A change as a tree from `masking.views=3`: the value is JSON where it parses as JSON, else text. */
export function parseChange(assignment: string): unknown {
  const at = assignment.indexOf("=");
  const path = (at < 0 ? assignment : assignment.slice(0, at)).split(".");
  const text = at < 0 ? "true" : assignment.slice(at + 1);
  let value: unknown = text;
  try {
    value = JSON.parse(text);
  } catch {}
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
}
