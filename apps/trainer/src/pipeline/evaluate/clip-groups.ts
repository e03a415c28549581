import { KdcError } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import type { ManifestItem } from "@kdc-mae/data/node";
import type { ClipSet } from "../corpus/clip-set.js";

/** Clips by the value of one of their columns. */
export type ClipGroups = {
  /** The column's name. */
  readonly by: string;
  /** The group of a clip that was read; undefined where its list does not say. */
  readonly of: (id: string) => string | undefined;
};

/** What a clip's list says of it. */
type Told = Pick<StoredClip["item"], "labels" | "columns" | "split">;

/** How a column is called here, however it was typed. */
const columnOf = (by: string): string => {
  const written = by.trim().toLowerCase();
  return written === "label" ? "labels" : written;
};

/** A clip's value in a column of its list. Its labels are one too: those of several labels are a group of their own. */
function groupIn({ labels, columns, split }: Told, by: string): string | undefined {
  if (by === "labels") return labels.length === 0 ? undefined : [...labels].sort().join("; ");
  return by === "split" ? split : columns?.[by];
}

/**
 * A set that remembers a column of the clips it gives, so that figures can be grouped once its clips were read. Shards
 * say it with each clip alone: what is planned with stays small.
 *
 * @param by a column of the list, in any capitals; `labels` and, of a folder, `folder` as well
 * @returns the set to read from, and the groups of what was read
 * @throws KdcError (`usage`) where no clip has such a column, with those there are
 */
export async function groupedSet(set: ClipSet, by: string): Promise<{ set: ClipSet; groups: ClipGroups }> {
  const column = columnOf(by);
  await expectColumn(set, column, by);
  const known = new Map<string, string>();
  async function* read() {
    for await (const clip of set.read()) {
      const value = groupIn(clip.item, column);
      if (value !== undefined) known.set(clip.item.id, value);
      yield clip;
    }
  }
  return { set: { ...set, read }, groups: { by: column, of: (id) => known.get(id) } };
}

/** Looks for the column before anything is computed. Most often the first clip has it. */
async function expectColumn(set: ClipSet, column: string, written: string): Promise<void> {
  const names = new Set<string>();
  for await (const { item } of set.read()) {
    if (groupIn(item, column) !== undefined) return;
    for (const name of Object.keys(item.columns ?? {})) names.add(name);
  }
  throw noColumn(written, names);
}

/**
 * The same of a list, before its clips are decoded.
 *
 * @throws KdcError (`usage`) where no clip of the split has such a column
 */
export function expectColumnListed(items: readonly ManifestItem[], split: string, by: string): void {
  const evaluated = items.filter((item) => item.split === split);
  if (evaluated.some((item) => groupIn(item, columnOf(by)) !== undefined)) return;
  throw noColumn(by, new Set(evaluated.flatMap(({ columns = {} }) => Object.keys(columns))));
}

const noColumn = (written: string, names: ReadonlySet<string>) =>
  new KdcError({
    where: `--by ${written}`,
    what: "no evaluated clip has such a column",
    remedy: `The columns are: ${[...names, "labels"].sort().join(", ")}; a list's other columns are kept by clips prepared from now on`,
    reason: "usage",
  });
