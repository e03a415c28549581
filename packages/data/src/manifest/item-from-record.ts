import { extname } from "node:path";
import { splitNamed } from "../dataset/split-names.js";
import { columnsIn } from "./columns-in.js";
import { confine, type MediaRoot } from "./confine.js";
import { labelNamed, labelsIn, type Naming } from "./labels.js";
import { manifestError } from "./manifest-error.js";
import type { Entry, ManifestItem } from "./manifest-item.js";

/** One record of a list in its written form, under our names. */
export type WrittenItem = Readonly<Record<string, unknown>>;

/** What is read of a clip. */
const read = new Set(["id", "path", "start", "end", "labels", "split", "pictures", "boxes", "columns"]);

/** What other lists call our columns. */
const otherNames: Readonly<Record<string, string>> = { label: "labels", file: "path", video: "path" };

/** The name of a column as we call it. */
export const columnNamed = (name: string): string => {
  const lower = name.trim().toLowerCase();
  return Object.hasOwn(otherNames, lower) ? otherNames[lower] : lower;
};

/** Columns under our names. @throws KdcError for one that is there twice, such as `label` beside `labels` */
export function columnsNamed(
  written: readonly string[],
  at: { readonly file: string; readonly line: number },
  nameOf: (column: string) => string = columnNamed,
): readonly string[] {
  const columns = written.map(nameOf);
  const twice = columns.findIndex((name, index) => name !== "" && columns.indexOf(name) < index);
  if (twice < 0) return columns;
  const what = `it is there twice, the second time as ${JSON.stringify(written[twice])}`;
  throw manifestError({ ...at, column: columns[twice] }, what, "Keep one of them");
}

/**
 * Checks one record. `labels` is a list, or text with `;` between them. Without `id` the clip is named by
 * its path without the ending and its times.
 *
 * @throws KdcError naming line and column
 */
export function itemFromRecord(
  written: WrittenItem,
  at: { readonly file: string; readonly line: number },
  media: MediaRoot,
  naming: Naming,
): Entry {
  const refuse = (column: string, what: string, remedy: string) => manifestError({ ...at, column }, what, remedy);
  const text = (column: "path" | "id" | "split"): string | undefined => {
    const value = written[column];
    if (value === undefined || value === null || value === "") return undefined;
    if (typeof value === "string") return value;
    if (typeof value === "number") return String(value);
    throw refuse(column, `${JSON.stringify(value)} is not text`, "Write text");
  };
  const seconds = (column: "start" | "end"): number | undefined => {
    const value = written[column];
    if (value === undefined || value === null || value === "") return undefined;
    const number = typeof value === "string" ? Number(value) : value;
    if (typeof number === "number" && Number.isFinite(number) && number >= 0) return number;
    throw refuse(
      column,
      `${JSON.stringify(value)} is not a time`,
      "Write seconds from the start of the file, such as 12.5",
    );
  };
  const path = text("path");
  if (path === undefined) throw refuse("path", "there is no path", "Write where the media file is");
  const whole = insideRoot(path, { ...at, column: "path" }, media);
  const [start, end] = [seconds("start"), seconds("end")];
  if (end !== undefined && end <= (start ?? 0)) {
    throw refuse("end", `the end, ${end} s, is not after the start, ${start ?? 0} s`, "Correct one of them");
  }
  const labels = labelsIn(written.labels);
  if (!labels)
    throw refuse("labels", `${JSON.stringify(written.labels)} is not a list of labels`, 'Write a;b or ["a", "b"]');
  const split = splitNamed(text("split"));
  const times = start === undefined && end === undefined ? "" : `_${start ?? 0}-${end ?? ""}`;
  const [id, short] = [text("id"), path.replace(/^(\.?[/\\])+/, "").replaceAll("\\", "/")];
  return {
    line: at.line,
    ...(id === undefined ? { otherId: `${short}${times}` } : {}),
    item: {
      id: id ?? `${short.slice(0, short.length - extname(short).length)}${times}`,
      path: whole,
      ...(start === undefined ? {} : { start }),
      ...(end === undefined ? {} : { end }),
      labels: labels.map((label) => labelNamed(label, naming)),
      ...(split === undefined ? {} : { split }),
      ...(written.pictures === undefined ? {} : { pictures: picturesOf(written.pictures, at, media) }),
      ...(Array.isArray(written.boxes) ? { boxes: written.boxes as ManifestItem["boxes"] } : {}),
      ...columnsIn(written, read),
    },
  };
}

/** The absolute path of a written one. @throws KdcError when it leads out of the media root */
export function insideRoot(
  path: string,
  at: { readonly file: string; readonly line: number; readonly column: string },
  media: MediaRoot,
): string {
  const whole = confine(path, media);
  if (whole !== undefined) return whole;
  const remedy = "Give the folder that holds all media (--media-root), or allow such paths (--allow-outside)";
  throw manifestError(at, `${JSON.stringify(path)} leads out of the media root ${media.root}`, remedy);
}

function picturesOf(value: unknown, at: { readonly file: string; readonly line: number }, media: MediaRoot) {
  const { folder, name } = (value ?? {}) as Record<string, unknown>;
  if (typeof folder === "string" && typeof name === "string" && !/[/\\]/.test(name)) {
    return { folder: insideRoot(folder, { ...at, column: "pictures" }, media), name };
  }
  const remedy = 'Write {"folder": …, "name": …}, for pictures in folder/frame_i/name.jpg';
  throw manifestError({ ...at, column: "pictures" }, `${JSON.stringify(value)} is not a folder of pictures`, remedy);
}
