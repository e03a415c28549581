import { KdcError } from "@kdc-mae/core";

type Labelled = { readonly id: string; readonly labels: readonly string[] };

/** A list cut short, for messages. */
const some = (names: readonly string[], most = 8): string =>
  names.length <= most ? names.join(", ") : `${names.slice(0, most).join(", ")} and ${names.length - most} more`;

/**
 * Checks that clips can be classified into these classes.
 *
 * @throws KdcError for fewer than two classes, a label that is not a class, a clip without a label, or with several where
 * each may have one
 */
export function expectClasses(
  where: string,
  clips: readonly Labelled[],
  classes: readonly string[],
  labels: "one" | "any",
): void {
  const refuse = (what: string, remedy: string, reason: string): never => {
    throw new KdcError({ where, what, remedy, reason });
  };
  if (classes.length < 2) {
    refuse(
      classes.length === 0
        ? "no clip has a label"
        : `every clip is labelled ${classes[0]}: there is nothing to tell apart`,
      "Give clips of at least two classes",
      "single-class",
    );
  }
  const known = new Set(classes);
  const strange = [...new Set(clips.flatMap((clip) => clip.labels.filter((label) => !known.has(label))))].sort();
  if (strange.length > 0) {
    refuse(
      `labels that are none of the ${classes.length} classes: ${some(strange)}; the classes are ${some(classes)}`,
      "Correct the labels, or give a list of all classes and of the names of mids (finetune --set classes=FILE, evaluate --classes FILE)",
      "unknown-label",
    );
  }
  const odd = clips.find((clip) => clip.labels.length === 0 || (labels === "one" && clip.labels.length > 1));
  if (odd !== undefined) {
    refuse(
      `clip ${odd.id} has ${odd.labels.length === 0 ? "no label" : `${odd.labels.length} labels (${some(odd.labels)}), and cross-entropy takes exactly one`}`,
      odd.labels.length === 0
        ? "Label every clip, or leave it out of the manifest"
        : "Label every clip once, or set loss.kind to binary-cross-entropy",
      "labels",
    );
  }
}

/** What to be told about classes that no clip shows, or undefined. */
export function absentClasses(
  what: string,
  clips: readonly Labelled[],
  classes: readonly string[],
): string | undefined {
  const seen = new Set(clips.flatMap((clip) => clip.labels));
  const absent = classes.filter((name) => !seen.has(name));
  return absent.length === 0
    ? undefined
    : `${absent.length} of ${classes.length} classes have no ${what} clip: ${some(absent)}`;
}
