import { extname, join } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { namesSplit, splitNamed } from "../dataset/split-names.js";
import { sameLabel } from "./labels.js";
import type { Entry } from "./manifest-item.js";
import type { PassOver } from "./passed-over.js";
import { walkMedia } from "./walk-media.js";

/**
 * Every media file under a folder, in the order of its names. The folder a file lies in is its label; a first folder
 * named train, validation (val, valid) or test is its split; what lies between is its column `folder`. Its path without the ending is its id; with it where
 * another file differs in the ending alone.
 */
export async function* readFolder(root: string, passOver?: PassOver): AsyncGenerator<Entry> {
  for await (const { parts, files, prepared } of walkMedia(root, passOver)) {
    // Below media they may lie: `prepare videos --out videos/prepared`, run again, passes them over.
    if (parts.length === 0 && prepared) throw preparedSet(root);
    const split = parts.length > 0 && namesSplit(parts[0]) ? splitNamed(parts[0]) : undefined;
    const below = parts.slice(split === undefined ? 0 : 1);
    const label = below.at(-1);
    const folder = below.slice(0, -1).join("/");
    const stems = new Map<string, number>();
    for (const name of files) stems.set(stemOf(name), (stems.get(stemOf(name)) ?? 0) + 1);
    for (const name of files) {
      const id = [...parts, stems.get(stemOf(name)) === 1 ? stemOf(name) : name].join("/");
      const path = join(root, ...parts, name);
      const labels = label === undefined ? [] : [sameLabel(label)];
      const columns = folder === "" ? {} : { columns: { folder } };
      yield { item: { id, path, labels, ...(split === undefined ? {} : { split }), ...columns } };
    }
  }
}

const stemOf = (name: string): string => name.slice(0, name.length - extname(name).length);

const preparedSet = (folder: string): KdcError =>
  new KdcError({
    where: `folder ${folder}`,
    what: "it holds shards that prepare made, not media",
    remedy: "In an experiment, say data.kind=shards beside data.path; survey and prepare want the media themselves",
    reason: "manifest",
  });
