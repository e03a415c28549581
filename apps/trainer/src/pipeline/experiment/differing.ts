import { isDeepStrictEqual } from "node:util";
import { isRecord } from "./change.js";

/** Keys, dotted, in which two experiments as JSON differ; lists are compared whole. */
export function differingKeys(one: unknown, other: unknown, path = ""): readonly string[] {
  if (isDeepStrictEqual(one, other)) return [];
  if (!isRecord(one) || !isRecord(other)) return [path];
  return Object.keys({ ...one, ...other }).flatMap((key) =>
    differingKeys(one[key], other[key], path === "" ? key : `${path}.${key}`),
  );
}

/** What an experiment as JSON holds under a dotted key, itself as JSON. */
export const valueAt = (experiment: unknown, key: string): string => {
  const value = key.split(".").reduce<unknown>((at, part) => (isRecord(at) ? at[part] : undefined), experiment);
  return JSON.stringify(value) ?? "left out";
};
