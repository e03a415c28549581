import { dealFrom } from "@kdc-mae/data";
import { splitBy as dealt, inWindows, type ManifestFormat, openManifest, readClassLabels } from "@kdc-mae/data/node";
import type { OpenedDecoder } from "../corpus/open-decoder.js";
import type { Surroundings } from "../surroundings.js";

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
  /** A list of labels: only clips with one of them are taken. */
  readonly labels?: string;
  /** Deals clips that name no split: shares of train, validation and test, such as 0.8,0.1,0.1. */
  readonly splitBy?: string;
  /** Cuts long recordings into clips of so many seconds. */
  readonly windows?: number;
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
