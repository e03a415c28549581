type Json = Record<string, unknown>;

/** A record and no list. */
export const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What may be laid over a value: any of its keys, `null` for one that is to go; lists and single values whole. */
export type Changes<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [Key in keyof T]?: Changes<T[Key]> | null }
    : T;

/** A base with changes: other keys beside `base` are laid over it, then those of `change`. */
export type Based<T> = Changes<T> & {
  /** A name, or a file. */
  readonly base: string;
  readonly change?: Changes<T>;
};

/** Records whose keys depend on their kind. */
const unions = new Set(["data", "schedule"]);

const becomesAnotherKind = (before: unknown, change: unknown): boolean =>
  isRecord(before) && isRecord(change) && "kind" in change && before.kind !== change.kind;

/**
 * A base with changes laid over it: records merge key by key, lists and values are replaced, `null` removes a key. Data
 * and schedules that become another `kind` are replaced whole, since the old kind's keys mean nothing to the new one.
 */
export function withChanges(base: unknown, changes: unknown): unknown {
  if (!isRecord(changes)) return changes;
  // A map and not a record: to assign `__proto__` would hide a key from whoever checks them.
  const merged = new Map(isRecord(base) ? Object.entries(base) : []);
  for (const [key, change] of Object.entries(changes)) {
    const before = merged.get(key);
    const replaced = unions.has(key) && becomesAnotherKind(before, change);
    if (change === null) merged.delete(key);
    else merged.set(key, withChanges(replaced ? undefined : before, change));
  }
  return Object.fromEntries(merged);
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
