import { stat } from "node:fs/promises";
import { type ClipItem, isKdcError, KdcError } from "@kdc-mae/core";
import { sha256OfFile } from "@kdc-mae/core/node";
import { namedRecording, readShards } from "@kdc-mae/data/node";
import { environmentOf, type Surroundings, surroundingsOf } from "../surroundings.js";
import { choiceOf, type DataSource, fittedSplit } from "./choose-clips.js";
import { openDecoder } from "./open-decoder.js";
import { openItems } from "./open-items.js";
import { remoteAccess } from "./remote-access.js";

/** A clip as a list names it, with its file, or as prepared shards do, without. */
export type NamedClip = Pick<ClipItem, "id"> &
  Partial<Pick<ClipItem, "path" | "start" | "end" | "columns">> & { readonly recording?: string };

/** Clips of a second list that are in the first. */
export type ClipsOfBoth = {
  /** Surely: the same file, by whatever name or link, or a copy of it, at a time that both have. */
  readonly same: readonly NamedClip[];
  /** Perhaps: the same id, where one of the two has no file to look at. */
  readonly alike: readonly NamedClip[];
  /** Neither, and of a recording that the first list has clips of: the same file at another time, or the same name. */
  readonly near: readonly NamedClip[];
};

type Part = { readonly path: string; readonly start: number; readonly end: number };
type File = { readonly key: string; readonly size: number };

const meet = (one: Part, other: Part): boolean => one.start < other.end && other.start < one.end;

/** What the file system says of files, asked some at a time; nothing of those that are not there. */
async function filesOf(paths: readonly string[]): Promise<ReadonlyMap<string, File>> {
  const found = new Map<string, File>();
  const queue = new Set(paths).values();
  const work = async () => {
    for (const path of queue) {
      const about = await stat(path, { bigint: true }).catch(() => undefined);
      if (about?.isFile()) found.set(path, { key: `${about.dev}:${about.ino}`, size: Number(about.size) });
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
  return found;
}

const push = <K, V>(lists: Map<K, V[]>, key: K, value: V) => {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
};

const nameOf = (clip: NamedClip): string | undefined => clip.recording ?? namedRecording(clip);

/** Which clips of `second` are in `first`, by their files (of those of one length the content is compared), else by id. */
export async function clipsOfBoth(first: readonly NamedClip[], second: readonly NamedClip[]): Promise<ClipsOfBoth> {
  const files = await filesOf([...first, ...second].flatMap(({ path }) => path ?? []));
  const partOf = ({ path = "", start = 0, end = Number.POSITIVE_INFINITY }: NamedClip): Part => ({ path, start, end });
  const byFile = new Map<string, Part[]>();
  const bySize = new Map<number, Part[]>();
  const [ids, withoutFile] = [new Set<string>(), new Set<string>()];
  const recordings = new Set(first.flatMap((clip) => nameOf(clip) ?? []));
  for (const clip of first) {
    ids.add(clip.id);
    const file = files.get(clip.path ?? "");
    if (file === undefined) withoutFile.add(clip.id);
    else {
      push(byFile, file.key, partOf(clip));
      push(bySize, file.size, partOf(clip));
    }
  }
  const sums = new Map<string, Promise<string>>();
  const sumOf = (path: string) => {
    const sum = sums.get(path) ?? sha256OfFile(path);
    sums.set(path, sum);
    return sum;
  };
  const same: NamedClip[] = [];
  const alike: NamedClip[] = [];
  const near: NamedClip[] = [];
  for (const clip of second) {
    const [part, file] = [partOf(clip), files.get(clip.path ?? "")];
    const isIn = async ({ key, size }: File): Promise<boolean> => {
      if (byFile.get(key)?.some((other) => meet(other, part))) return true;
      for (const other of bySize.get(size) ?? []) {
        if (meet(other, part) && (await sumOf(other.path)) === (await sumOf(part.path))) return true;
      }
      return false;
    };
    if (file !== undefined && (await isIn(file))) same.push(clip);
    else if ((file === undefined ? ids : withoutFile).has(clip.id)) alike.push(clip);
    else if (recordings.has(nameOf(clip) ?? "") || (file !== undefined && byFile.has(file.key))) near.push(clip);
  }
  return { same, alike, near };
}

/**
 * Looks for clips that are fitted among those that would be scored.
 *
 * @returns in words, what can only be suspected; undefined where nothing is
 * @throws KdcError (reason `leak`) where there are such
 */
export async function expectNoneOfBoth(
  where: string,
  fitted: readonly NamedClip[],
  scored: readonly NamedClip[],
): Promise<string | undefined> {
  const { same, alike, near } = await clipsOfBoth(fitted, scored);
  if (same.length > 0) {
    throw new KdcError({
      where,
      what: `${same.length} of the ${scored.length} clips that would be scored are trained on, such as ${same[0].path}`,
      remedy: "Take them out of one of the two lists",
      reason: "leak",
    });
  }
  const told = [
    ...(alike.length === 0
      ? []
      : [
          `${alike.length} of the ${scored.length} clips have ids of clips that were trained on, such as ${alike[0].id}: if they are the same clips, the figures are not of unseen ones`,
        ]),
    ...(near.length === 0
      ? []
      : [
          `${near.length} of the ${scored.length} clips are of recordings of which other clips were trained on, such as ${near[0].id}: near copies, so that the figures are not all of unseen recordings`,
        ]),
  ];
  return told.length === 0 ? undefined : told.join("; ");
}

/** The clips that a model was trained on, by its experiment's data, nothing decoded; undefined where they are not here. */
export async function fittedClips(
  data: Exclude<DataSource, { kind: "synthetic" }>,
  options: Surroundings,
): Promise<readonly NamedClip[] | undefined> {
  const fits = fittedSplit(data);
  const around = { ...surroundingsOf(options), onNote: undefined, onProgress: undefined };
  try {
    if (data.kind === "shards") {
      const remote = remoteAccess(environmentOf(options));
      const reader = await readShards(data.path, {
        ...{ split: fits, mayBeEmpty: true, choice: await choiceOf(data), remote },
      });
      await reader.close();
      return reader.items;
    }
    const opened = await openDecoder(around, data);
    return (await openItems(data, { ...around, opened, directory: "", seed: 0, only: [fits] })).items;
  } catch (error) {
    if (isKdcError(error) && error.reason !== "aborted") return undefined;
    throw error;
  }
}

/**
 * Looks for clips of other data that the model was trained on, under whatever name.
 *
 * @param trained what the model was trained on; nothing is known of an official checkpoint, and made clips are their own
 * @returns what can only be suspected, or not be told, in words
 * @throws KdcError (reason `leak`) where clips it was trained on would be scored
 */
export async function expectUnseen(
  trained: DataSource | undefined,
  { data, fits }: { readonly data: DataSource; readonly fits?: string },
  scored: readonly NamedClip[],
  around: Surroundings,
): Promise<string | undefined> {
  if (trained === undefined || trained.kind === "synthetic" || data.kind === "synthetic" || fits !== undefined) return;
  const fitted = await fittedClips(trained, around);
  if (fitted === undefined) {
    const untold = `whether the model was trained on these clips cannot be told: its own data, ${trained.path}, are not here`;
    around.onNote?.(untold);
    return untold;
  }
  const doubt = await expectNoneOfBoth(`data ${data.path}`, fitted, scored);
  if (doubt !== undefined) around.onNote?.(doubt);
  return doubt;
}
