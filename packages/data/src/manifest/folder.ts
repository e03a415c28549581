import { opendir } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { fileError } from "@kdc-mae/core/node";
import type { ManifestItem } from "./manifest-item.js";

const media = new Set(
  "mp4 m4v mov mkv webm avi flv wmv asf mpg mpeg ts mts m2ts 3gp ogv ogg mxf vob gif ivf h264 264 h265 265 hevc wav aiff aif au mp3 m4a mka aac ac3 eac3 flac opus oga amr".split(
    " ",
  ),
);
const splits: Readonly<Record<string, string>> = {
  train: "train",
  training: "train",
  validation: "validation",
  val: "validation",
  valid: "validation",
  test: "test",
  eval: "test",
};

/**
 * Every media file under a folder, in the order of its names. The folder a file lies in is its label; a first folder
 * named train, validation (val) or test is its split. Names that begin with a dot are passed over; links to folders
 * are not followed.
 */
export async function* readFolder(root: string, folder: string = root): AsyncGenerator<ManifestItem> {
  const [files, folders, shards]: [string[], string[], string[]] = [[], [], []];
  try {
    for await (const entry of await opendir(folder)) {
      if (entry.name.startsWith(".")) continue;
      if (entry.isDirectory()) folders.push(entry.name);
      else if (/^shard-\d+\.tar$/.test(entry.name)) shards.push(entry.name);
      else if (media.has(extname(entry.name).slice(1).toLowerCase())) files.push(entry.name);
    }
  } catch (error) {
    throw fileError("read", folder, error);
  }
  // Below media they may lie: `prepare videos --out videos/prepared`, run again, passes them over.
  if (folder === root && shards.length > 0 && files.length + folders.length === 0) throw preparedSet(folder);
  const parts = relative(root, folder)
    .split(sep)
    .filter((part) => part !== "");
  const split = Object.hasOwn(splits, parts[0] ?? "") ? splits[parts[0]] : undefined;
  const label = parts.slice(split === undefined ? 0 : 1).at(-1);
  for (const name of files.sort()) {
    const path = join(folder, name);
    const id = relative(root, path).slice(0, -extname(name).length);
    yield { id, path, labels: label === undefined ? [] : [label], ...(split === undefined ? {} : { split }) };
  }
  for (const name of folders.sort()) yield* readFolder(root, join(folder, name));
}

const preparedSet = (folder: string): KdcError =>
  new KdcError({
    where: `folder ${folder}`,
    what: "it holds shards that prepare made, not media",
    remedy: "In an experiment, say data.kind=shards beside data.path; survey and prepare want the media themselves",
    reason: "manifest",
  });
