import { dealFrom } from "@kdc-mae/data";
import { splitBy as dealt, inWindows, type ManifestFormat, openManifest, readClassLabels } from "@kdc-mae/data/node";
import type { ListChoice } from "../corpus/choose-clips.js";
import type { OpenedDecoder } from "../corpus/open-decoder.js";
import type { Surroundings } from "../surroundings.js";

/** Which clips. */
export type ManifestChoice = ListChoice & {
  /** Kind of manifest; found out unless given. */
  readonly format?: ManifestFormat;
};

/** Opens the manifest of a choice with its class list. */
export async function openChosen(path: string, choice: ManifestChoice & Surroundings, { decoder }: OpenedDecoder) {
  const { format, mediaRoot, allowOutside, labels, splitBy, windows, signal } = choice;
  const classes = choice.classes === undefined ? undefined : await readClassLabels(choice.classes);
  const only = labels === undefined ? undefined : await readClassLabels(labels);
  const deal = splitBy === undefined ? undefined : dealFrom(splitBy);
  const listed = await openManifest(path, { format, mediaRoot, allowOutside, classes, only });
  const cut = windows === undefined ? listed : inWindows(listed, { seconds: windows, decoder, signal });
  return { manifest: deal === undefined ? cut : dealt(cut, deal), classes };
}
