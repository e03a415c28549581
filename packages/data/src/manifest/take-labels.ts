import type { ClassLabels } from "./class-labels.js";
import type { PassOver } from "./passed-over.js";

/** A clip with those of its labels that are taken; undefined, and told of, when it has none of them. */
export function takeLabels<T extends { readonly id: string; readonly labels: readonly string[] }>(
  clip: T,
  { nameOf }: ClassLabels,
  passOver: PassOver,
): T | undefined {
  const labels = clip.labels.flatMap((label) => nameOf.get(label) ?? []);
  if (labels.length === 0) {
    passOver("clip without a label that is taken", clip.id);
    return undefined;
  }
  for (const label of clip.labels) if (!nameOf.has(label)) passOver("label not taken", label);
  return { ...clip, labels: [...new Set(labels)] };
}
