import { type Manifest, type ManifestFormat, openManifest, readClassLabels } from "@kdc-mae/data/node";

/** Which clips. */
export type ManifestChoice = {
  /** Kind of manifest; found out unless given. */
  readonly format?: ManifestFormat;
  /** Where paths begin, and which none may leave; the manifest's folder unless given. */
  readonly mediaRoot?: string;
  /** Lets paths lead out of the media root. */
  readonly allowOutside?: boolean;
  /** A class list: index,mid,display_name or one name per line. */
  readonly classes?: string;
};

/** Opens the manifest of a choice with its class list. */
export async function openChosen(path: string, { classes, format, mediaRoot, allowOutside }: ManifestChoice) {
  const labels = classes === undefined ? undefined : await readClassLabels(classes);
  const manifest: Manifest = await openManifest(path, { format, mediaRoot, allowOutside, classes: labels });
  return { manifest, classes: labels };
}
