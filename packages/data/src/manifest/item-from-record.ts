import { basename, extname } from "node:path";
import { confine, type MediaRoot } from "./confine.js";
import { manifestError } from "./manifest-error.js";
import type { ManifestItem } from "./manifest-item.js";

/** One record of a manifest in its written form. */
export type WrittenItem = {
  readonly id?: unknown;
  readonly path?: unknown;
  readonly start?: unknown;
  readonly end?: unknown;
  readonly labels?: unknown;
  readonly split?: unknown;
  readonly boxes?: unknown;
  readonly pictures?: unknown;
};

/** What turns written labels into the ones to use. */
export type Naming = { readonly nameOf?: ReadonlyMap<string, string> };

/**
 * Checks one record. `labels` is a list, or text with `;` between them.
 *
 * @throws KdcError naming line and column
 */
export function itemFromRecord(
  written: WrittenItem,
  at: { readonly file: string; readonly line: number },
  media: MediaRoot,
  { nameOf }: Naming,
): ManifestItem {
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
  const labels = labelsOf(written.labels);
  if (!labels)
    throw refuse("labels", `${JSON.stringify(written.labels)} is no list of labels`, 'Write a;b or ["a", "b"]');
  const split = text("split");
  return {
    id: text("id") ?? basename(path, extname(path)),
    path: whole,
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
    labels: labels.map((label) => nameOf?.get(label) ?? label),
    ...(split === undefined ? {} : { split }),
    ...(written.pictures === undefined ? {} : { pictures: picturesOf(written.pictures, at, media) }),
    ...(Array.isArray(written.boxes) ? { boxes: written.boxes as ManifestItem["boxes"] } : {}),
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
  throw manifestError({ ...at, column: "pictures" }, `${JSON.stringify(value)} is no folder of pictures`, remedy);
}

function labelsOf(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return [];
  if (typeof value === "string") {
    return value
      .split(";")
      .map((label) => label.trim())
      .filter((label) => label !== "");
  }
  return Array.isArray(value) && value.every((label) => typeof label === "string") ? value : undefined;
}
