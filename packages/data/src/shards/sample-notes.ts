import type { ClipItem } from "@kdc-mae/core";
import { splitNamed } from "../dataset/split-names.js";
import { columnsIn } from "../manifest/columns-in.js";
import { labelsIn, sameLabel } from "../manifest/labels.js";

/** What a sample's JSON file says: the clip, where it came from, and how it was decoded. */
export type SampleNotes = {
  readonly id: string;
  readonly labels: readonly string[];
  readonly split?: string;
  /** Path below the media root, and the part of it that was taken, seconds. */
  readonly source?: { readonly path: string; readonly start?: number; readonly end?: number };
  /** When each picture is shown, seconds from the start of the clip. */
  readonly times?: readonly number[];
  /** Size of the file's own pictures, in whose pixels boxes are given. */
  readonly original?: { readonly width: number; readonly height: number };
  readonly boxes?: ClipItem["boxes"];
  readonly columns?: ClipItem["columns"];
  /** Shape of the log-mel, where there is one. */
  readonly logMel?: { readonly shape: readonly number[]; readonly dtype: "float32" | "float16" };
};

/** Bytes of what a sample says about itself; ours say some hundred. */
export const longestJson = 2 ** 20;

/** WebDataset's rule: a sample's key is the name up to the first dot of its last part; the rest says what the file is. */
export function splitName(name: string): { readonly key: string; readonly field: string } {
  const dot = name.indexOf(".", name.lastIndexOf("/") + 1);
  return dot < 0 ? { key: name, field: "" } : { key: name.slice(0, dot), field: name.slice(dot + 1) };
}

/** The pictures of a sample in time order; a sample may have one instead, named without a number. */
export const numberedPicture = /^(\d+)\.(jpg|jpeg|png|webp|ppm)$/;
export const singlePictures = ["jpg", "jpeg", "png", "webp", "ppm"] as const;

/** True for a file of a sample that is one of its pictures. */
export const isPictureField = (field: string): boolean =>
  numberedPicture.test(field) || singlePictures.some((name) => name === field);

const isList = (value: unknown, holds: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(holds);
const isSize = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;

/** What of a sample's notes is no column of its list. */
const known = new Set([
  ...["id", "labels", "label", "cls", "split", "key", "__key__", "source", "sampleRate", "samples", "times"],
  ...["original", "boxes", "columns", "logMel"],
]);

/** Whether what is read further on has the form it is read in. */
const isSound = ({ times, logMel }: Partial<SampleNotes>): boolean =>
  (times === undefined || isList(times, Number.isFinite)) &&
  (logMel === undefined || (isList(logMel?.shape, isSize) && logMel.shape.length === 2));

/**
 * Reads a sample's notes, ours or somebody else's: the index and the sample itself are told the same. Labels are
 * `labels` or `label`, a list or text as in a manifest, or WebDataset's `cls` file.
 *
 * @param json the sample's `json` file
 * @param cls its `cls` file
 * @returns undefined for a JSON file that is none, labels that are no labels, and times or shapes that are none
 */
export function readNotes(key: string, json?: Uint8Array, cls?: Uint8Array): SampleNotes | undefined {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  let said: Record<string, unknown> = {};
  try {
    const value = json === undefined ? {} : JSON.parse(text(json));
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    said = value;
  } catch {
    return undefined;
  }
  const { id, labels, label, split, columns: _, ...rest } = said;
  const written = labels ?? label ?? (cls === undefined ? undefined : sameLabel(text(cls)));
  // A list stays as it is: a class name may hold a semicolon.
  const own = labelsIn(written);
  if (own === undefined || !isSound(rest)) return undefined;
  const named = splitNamed(typeof split === "string" ? split : undefined);
  return {
    ...(rest as Omit<SampleNotes, "id" | "labels" | "split">),
    id: typeof id === "string" && id !== "" ? id : typeof id === "number" ? String(id) : key,
    labels: own,
    ...(named === undefined ? {} : { split: named }),
    ...columnsIn(said, known),
  };
}

/** What programs leave in tars besides their samples: macOS's `._name` and `.DS_Store`, and hidden names of any kind. */
export const isStray = (name: string): boolean =>
  name.slice(name.lastIndexOf("/") + 1).startsWith(".") || name.includes("__MACOSX/");
