import { relative } from "node:path";
import { KdcError } from "@kdc-mae/core";
import type { DealSplits } from "../dataset/deal-from.js";
import { type DealtUnit, dealSplits } from "../dataset/deal-splits.js";
import type { ManifestItem } from "./manifest-item.js";
import { namedRecording } from "./named-recording.js";
import type { PassOver } from "./passed-over.js";
import type { Manifest } from "./read-manifest.js";

/**
 * A manifest whose clips are dealt to splits; those that name one keep it. Clips of one recording go to one split: of the one
 * that the list names, else of one file. It is read once more than before, to count its labels.
 *
 * @throws KdcError while reading, when every clip names a split already
 */
export function splitBy(manifest: Manifest, deal: DealSplits): Manifest {
  const unitOf = (item: ManifestItem) =>
    namedRecording(item) ?? relative(manifest.media.root, item.path).replaceAll("\\", "/");
  let dealt: Promise<ReadonlyMap<string, string>> | undefined;
  const look = async (): Promise<ReadonlyMap<string, string>> => {
    const [units, named] = [new Map<string, DealtUnit>(), new Map<string, string>()];
    for await (const item of manifest.items()) {
      const name = unitOf(item);
      if (item.split !== undefined) named.set(name, item.split);
      else if (!units.has(name)) units.set(name, { name, label: item.labels[0] ?? "" });
    }
    if (units.size === 0 && named.size > 0) throw nothingToDeal(manifest.path);
    const free = [...units.values()].filter(({ name }) => !named.has(name));
    return new Map<string, string>([...named, ...dealSplits(free, deal)]);
  };
  async function* items(passOver?: PassOver): AsyncGenerator<ManifestItem> {
    dealt ??= look();
    const splits = await dealt;
    for await (const item of manifest.items(passOver)) {
      yield item.split === undefined ? { ...item, split: splits.get(unitOf(item)) } : item;
    }
  }
  return { ...manifest, items };
}

const nothingToDeal = (path: string): KdcError =>
  new KdcError({
    where: `manifest ${path}`,
    what: "every clip names its split already, so there is nothing to share out",
    remedy: "Leave --split-by (data.splitBy) out, or take the splits out of the list",
    reason: "option",
  });
