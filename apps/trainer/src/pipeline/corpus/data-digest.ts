import { KdcError } from "@kdc-mae/core";
import type { ShardLoader } from "@kdc-mae/data/node";

type Told = { readonly id: string; readonly labels: readonly string[]; readonly split?: string };

/** What a run's clips are, in a few letters each: whatever of them changes is told apart. */
export type DataDigest = {
  readonly clips: number;
  /** Which clips, in whatever order. */
  readonly ids: string;
  /** Which labels each has. */
  readonly labels: string;
  /** Which split each names. */
  readonly splits: string;
  /** In which order they come. */
  readonly order: string;
  /** What decoded them, such as `ffmpeg 7.0.2`, for this run or when its set was prepared; one after another where it changed. */
  readonly decodedBy?: string;
};

/** A hash of text in two lanes of 32 bits, quick for millions of clips (MurmurHash3's mixing, a letter at a time). */
function hashOf(text: string, lanes: Uint32Array): Uint32Array {
  let [one, two] = [0x9e3779b9, 0x85ebca6b];
  for (let at = 0; at < text.length; at++) {
    const letter = text.charCodeAt(at);
    one = Math.imul(one ^ letter, 0xcc9e2d51);
    one ^= one >>> 15;
    two = Math.imul(two ^ letter, 0x1b873593);
    two = (two << 13) | (two >>> 19);
  }
  one = Math.imul(one ^ (one >>> 16) ^ two, 0x85ebca6b);
  two = Math.imul(two ^ (two >>> 13) ^ one, 0xc2b2ae35);
  lanes[0] = one ^ (one >>> 16);
  lanes[1] = two ^ (two >>> 16);
  return lanes;
}

const inHex = (lanes: Uint32Array): string => [...lanes].map((lane) => lane.toString(16).padStart(8, "0")).join("");

/** Takes clips in one after the other; sums of hashes do not mind the order, a chain of them does. */
export function digestOfClips(): { readonly add: (clip: Told) => void; readonly result: () => DataDigest } {
  const [ids, labels, splits, order] = [0, 1, 2, 3].map(() => new Uint32Array(2));
  const hash = new Uint32Array(2);
  let clips = 0;
  const sum = (sums: Uint32Array, text: string) => {
    hashOf(text, hash);
    sums[0] += hash[0];
    sums[1] += hash[1];
  };
  return {
    add: (clip) => {
      clips++;
      sum(ids, clip.id);
      // Of the last hash, the id's own.
      order[0] = Math.imul(order[0] ^ hash[0], 0x01000193);
      order[1] = Math.imul(order[1] ^ hash[1], 0x01000193) + clips;
      sum(labels, `${clip.id}\0${clip.labels.join("\0")}`);
      sum(splits, `${clip.id}\0${clip.split ?? ""}`);
    },
    result: () => ({
      ...{ clips, ids: inHex(ids), labels: inHex(labels), splits: inHex(splits), order: inHex(order) },
    }),
  };
}

/** The digest of clips that are at hand. */
export function digestOf(clips: Iterable<Told>): DataDigest {
  const digest = digestOfClips();
  for (const clip of clips) digest.add(clip);
  return digest.result();
}

/** The data of a run: every clip that was named, and those that are trained on, in their order. */
export type RunData = { readonly named: DataDigest; readonly fitted: DataDigest };

/** The data of a run on clips that are at hand; `named` where more were named than are trained on. */
export function runDataOf(clips: Iterable<Told>, named?: DataDigest): RunData {
  const fitted = digestOf(clips);
  return { fitted, named: named ?? fitted };
}

/** The data of a run on shards, with what the set says decoded them. */
export const shardData = (loader: Pick<ShardLoader, "everything" | "items" | "decodedBy">): RunData => ({
  named: {
    ...digestOf(loader.everything),
    ...(loader.decodedBy === undefined ? {} : { decodedBy: loader.decodedBy.join(", ") }),
  },
  fitted: digestOf(loader.items),
});

/** What of a run's data is another than before, in words; nothing where all is the same. */
export function changesIn(before: RunData, now: RunData): readonly string[] {
  const told = (what: string, a: DataDigest, b: DataDigest): string[] => {
    if (a.clips !== b.clips) return [`there were ${a.clips} ${what}, and there are ${b.clips}`];
    if (a.ids !== b.ids) return [`some of the ${what} are different ones`];
    return [
      ...(a.labels === b.labels ? [] : [`labels of ${what} changed`]),
      ...(a.splits === b.splits ? [] : [`splits of ${what} changed`]),
      ...(a.order === b.order ? [] : [`${what} come in another order`]),
    ];
  };
  const fitted = told("clips that are trained on", before.fitted, now.fitted);
  const named = told("clips that the data name", before.named, now.named);
  return [...fitted, ...named];
}

const then = ", then ";

/** The data of a run that goes on, with all that decoded them; a change of that is reported, and nothing is refused for it. */
export function withDecoders(before: RunData, now: RunData, onNote?: (note: string) => void): RunData {
  const [was, is] = [before.named.decodedBy, now.named.decodedBy];
  if (was === undefined || is === undefined || was.split(then).at(-1) === is) {
    return was === undefined ? now : { ...now, named: { ...now.named, decodedBy: was } };
  }
  onNote?.(`the run's clips were decoded by ${was}, and are decoded by ${is} now; they may differ`);
  return { ...now, named: { ...now.named, decodedBy: `${was}${then}${is}` } };
}

/**
 * A run that goes on must find the data it began with.
 *
 * @throws KdcError (reason `other-data`) naming what changed
 */
export function expectSameData(before: RunData | undefined, now: RunData | undefined, folder: string): void {
  if (before === undefined || now === undefined) return;
  const changes = changesIn(before, now);
  if (changes.length === 0) return;
  throw new KdcError({
    where: `run folder ${folder}`,
    what: `its data are not those it began with: ${changes.join("; ")}`,
    remedy:
      "Give the data it began with, or another folder with --out; --accept-changed-data goes on all the same, and the run keeps a record of it",
    reason: "other-data",
  });
}
