import { stat } from "node:fs/promises";
import { dirname, extname, relative, resolve } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { fileError } from "@kdc-mae/core/node";
import { beginningOf } from "./beginning.js";
import { readCavMae } from "./cav-mae.js";
import type { ClassLabels } from "./class-labels.js";
import { confine, type MediaRoot } from "./confine.js";
import { readFolder } from "./folder.js";
import { columnNamed } from "./item-from-record.js";
import { readJsonLines } from "./json-lines.js";
import type { Naming } from "./labels.js";
import type { Entry, ManifestItem } from "./manifest-item.js";
import { oneIdOneClip } from "./one-id-one-clip.js";
import type { PassOver } from "./passed-over.js";
import { delimiterOf } from "./rows.js";
import { readTable } from "./table.js";
import { takeLabels } from "./take-labels.js";
import { readAudioSet, readKinetics, readVggSound } from "./youtube.js";

type Reader = (file: string, media: MediaRoot, naming: Naming, passOver?: PassOver) => AsyncGenerator<Entry>;

const readers = {
  folder: (path, _media, _naming, passOver) => readFolder(path, passOver),
  csv: readTable,
  jsonl: readJsonLines,
  "cav-mae": readCavMae,
  vggsound: readVggSound,
  audioset: readAudioSet,
  kinetics: readKinetics,
} satisfies Record<string, Reader>;

/** The kinds of manifest that can be read. */
export type ManifestFormat = keyof typeof readers;

/** Formats of lists that are read. */
export const manifestFormats = Object.keys(readers) as readonly ManifestFormat[];

/** How {@link openManifest} reads a list of clips. */
export type ManifestOptions = {
  /** Found out from the name and the first lines by default. */
  readonly format?: ManifestFormat;
  /** Where relative paths begin and which no path may leave; the manifest's own folder by default. */
  readonly mediaRoot?: string;
  /** Paths may lead anywhere. */
  readonly allowOutside?: boolean;
  /** Labels that are written as mids are named by it. */
  readonly classes?: ClassLabels;
  /** Only clips with one of these labels are taken, and of their labels only these: a subset such as Kinetics-Sounds. */
  readonly only?: ClassLabels;
};

/** A manifest that can be read from its beginning any number of times, item by item. */
export type Manifest = {
  readonly path: string;
  readonly format: ManifestFormat;
  readonly media: MediaRoot;
  /** @param passOver told of files that are no media by their names, and of clips and labels that are not taken */
  /** The list from its beginning. @param passOver called with what is met and is no clip */
  items(passOver?: PassOver): AsyncGenerator<ManifestItem>;
};

/**
 * Opens a manifest or a folder of media. Items are read as a stream and never held together. Labels are compared in
 * Unicode's composed form (NFC); a split has our name (`train`, `validation`, `test`) whatever the list calls it; an id
 * names one clip.
 *
 * @throws KdcError reason `missing` or `manifest`; errors of single lines come while reading
 *
 * @example
 * ```ts
 * import { openManifest } from "@kdc-mae/data/node";
 *
 * const manifest = await openManifest("clips/manifest.jsonl"); // or vggsound.csv, a folder of media, …
 * for await (const { id, path, labels } of manifest.items()) console.log(id, path, labels);
 * ```
 */
export async function openManifest(path: string, options: ManifestOptions = {}): Promise<Manifest> {
  const found = await stat(path).catch((error) => {
    throw fileError("read", path, error);
  });
  const format = options.format ?? (found.isDirectory() ? "folder" : await findFormat(path));
  const root = resolve(options.mediaRoot ?? (found.isDirectory() ? path : dirname(path)));
  const media = { root, allowOutside: options.allowOutside ?? false };
  const naming = { nameOf: options.classes?.nameOf };
  const read: Reader = readers[format];
  return {
    ...{ path, format, media },
    items: (passOver) => taken(oneIdOneClip(path, read(path, media, naming, passOver)), options.only, passOver),
  };
}

/** The items that have one of some labels, with those of their labels. */
async function* taken(
  items: AsyncIterable<ManifestItem>,
  only: ClassLabels | undefined,
  passOver: PassOver = () => undefined,
): AsyncGenerator<ManifestItem> {
  for await (const item of items) {
    const own = only === undefined ? item : takeLabels(item, only, passOver);
    if (own !== undefined) yield own;
  }
}

/** How many items a manifest holds, counted by reading it through. */
export async function countItems(manifest: Manifest): Promise<number> {
  let count = 0;
  for await (const _ of manifest.items()) count++;
  return count;
}

async function findFormat(path: string): Promise<ManifestFormat> {
  const name = extname(path).toLowerCase();
  if (name === ".jsonl" || name === ".ndjson") return "jsonl";
  if (name === ".json") return "cav-mae";
  if (name === ".csv" || name === ".tsv") return formatOfTable(await beginningOf(path));
  throw new KdcError({
    where: `manifest ${path}`,
    what: `its format is not known from its name`,
    remedy: `Name it .csv, .tsv, .jsonl or .json, or say which it is: ${manifestFormats.join(", ")}`,
    reason: "manifest",
  });
}

function formatOfTable(beginning: string): ManifestFormat {
  const lines = beginning.replace(/^\uFEFF/, "").split(/\r?\n/);
  if (lines[0].startsWith("# Segments") || lines.some((line) => /^# ?YTID/.test(line))) return "audioset";
  const between = delimiterOf(beginning);
  const cells = (lines.find((line) => line.trim() !== "") ?? "")
    .split(between)
    .map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
  const named = cells.map(columnNamed);
  if (named.includes("youtube_id") && named.includes("time_start")) return "kinetics";
  if (named.includes("path")) return "csv";
  const isNumber = (cell: string | undefined) => /^\d+(\.\d+)?$/.test(cell ?? "");
  if (/^[\w-]+$/.test(cells[0]) && isNumber(cells[1])) {
    if (isNumber(cells[2])) return "audioset";
    if (/^\d+$/.test(cells[1])) return "vggsound";
  }
  return "csv";
}

/** An item as one line of a JSONL manifest, its paths relative to the media root where they lie inside. */
export function manifestLine(item: ManifestItem, root: string): string {
  const short = (path: string) => (confine(path, { root }) === undefined ? path : relative(root, path));
  const pictures = item.pictures && { ...item.pictures, folder: short(item.pictures.folder) };
  return `${JSON.stringify({ ...item, path: short(item.path), pictures })}\n`;
}
