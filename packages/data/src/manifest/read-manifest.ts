import { open, stat } from "node:fs/promises";
import { dirname, extname, relative, resolve } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { fileError } from "@kdc-mae/core/node";
import { readCavMae } from "./cav-mae.js";
import type { ClassLabels } from "./class-labels.js";
import { confine, type MediaRoot } from "./confine.js";
import { readFolder } from "./folder.js";
import type { Naming } from "./item-from-record.js";
import { readJsonLines } from "./json-lines.js";
import type { ManifestItem } from "./manifest-item.js";
import { readTable } from "./table.js";
import { readAudioSet, readVggSound } from "./youtube.js";

const readers = {
  folder: (path: string) => readFolder(path),
  csv: readTable,
  jsonl: readJsonLines,
  "cav-mae": readCavMae,
  vggsound: readVggSound,
  audioset: readAudioSet,
} satisfies Record<string, (file: string, media: MediaRoot, naming: Naming) => AsyncGenerator<ManifestItem>>;

/** The kinds of manifest that can be read. */
export type ManifestFormat = keyof typeof readers;

export const manifestFormats = Object.keys(readers) as readonly ManifestFormat[];

export type ManifestOptions = {
  /** Found out from the name and the first lines unless told. */
  readonly format?: ManifestFormat;
  /** Where relative paths begin and which no path may leave; the manifest's own folder unless told. */
  readonly mediaRoot?: string;
  /** Paths may lead anywhere. */
  readonly allowOutside?: boolean;
  /** Labels that are written as mids are named by it. */
  readonly classes?: ClassLabels;
};

/** A manifest that can be read from its beginning any number of times, item by item. */
export type Manifest = {
  readonly path: string;
  readonly format: ManifestFormat;
  readonly media: MediaRoot;
  items(): AsyncGenerator<ManifestItem>;
};

/**
 * Opens a manifest or a folder of media. Items are read as a stream and never held together.
 *
 * @throws KdcError reason `missing` or `manifest`; errors of single lines come while reading
 */
export async function openManifest(path: string, options: ManifestOptions = {}): Promise<Manifest> {
  const found = await stat(path).catch((error) => {
    throw fileError("read", path, error);
  });
  const format = options.format ?? (found.isDirectory() ? "folder" : await findFormat(path));
  const root = resolve(options.mediaRoot ?? (found.isDirectory() ? path : dirname(path)));
  const media = { root, allowOutside: options.allowOutside ?? false };
  const naming = { nameOf: options.classes?.nameOf };
  return { path, format, media, items: () => readers[format](path, media, naming) };
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
  if (name === ".csv") {
    const lines = (await beginning(path)).replace(/^\uFEFF/, "").split("\n");
    if (lines[0].startsWith("# Segments") || lines.some((line) => /^# ?YTID/.test(line))) return "audioset";
    const first = lines.find((line) => line.trim() !== "" && !line.startsWith("#")) ?? "";
    if (/(^|,)\s*"?(path|file|video)"?\s*(,|$)/i.test(first)) return "csv";
    if (/^[\w-]+, ?[\d.]+, ?[\d.]+,/.test(first)) return "audioset";
    if (/^[\w-]+,\d+,/.test(first)) return "vggsound";
    return "csv";
  }
  throw new KdcError({
    where: `manifest ${path}`,
    what: `its format is not known from its name`,
    remedy: `Name it .csv, .jsonl or .json, or say which it is: ${manifestFormats.join(", ")}`,
    reason: "manifest",
  });
}

async function beginning(path: string): Promise<string> {
  const file = await open(path).catch((error) => {
    throw fileError("read", path, error);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** An item as one line of a JSONL manifest, its paths relative to the media root where they lie inside. */
export function manifestLine(item: ManifestItem, root: string): string {
  const short = (path: string) => (confine(path, { root }) === undefined ? path : relative(root, path));
  const pictures = item.pictures && { ...item.pictures, folder: short(item.pictures.folder) };
  return `${JSON.stringify({ ...item, path: short(item.path), pictures })}\n`;
}
