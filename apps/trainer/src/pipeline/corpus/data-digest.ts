import { createHash } from "node:crypto";
import { KdcError } from "@kdc-mae/core";

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
};

const modulus = 2n ** 64n;
const short = (...parts: readonly string[]): Buffer =>
  createHash("sha256").update(JSON.stringify(parts)).digest().subarray(0, 8);

/** Takes clips in one after the other; sums of hashes do not mind the order, the chain does. */
export function digestOfClips(): { readonly add: (clip: Told) => void; readonly result: () => DataDigest } {
  const sums = { ids: 0n, labels: 0n, splits: 0n };
  const chain = createHash("sha256");
  let clips = 0;
  const sum = (name: keyof typeof sums, ...parts: readonly string[]) => {
    sums[name] = (sums[name] + short(...parts).readBigUInt64BE()) % modulus;
  };
  return {
    add: ({ id, labels, split = "" }) => {
      clips++;
      sum("ids", id);
      sum("labels", id, ...labels);
      sum("splits", id, split);
      chain.update(`${JSON.stringify(id)}\n`);
    },
    result: () => {
      const [ids, labels, splits] = [sums.ids, sums.labels, sums.splits].map((value) =>
        value.toString(16).padStart(16, "0"),
      );
      return { clips, ids, labels, splits, order: chain.copy().digest("hex").slice(0, 16) };
    },
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

/** What of a run's data is another than before, in words; nothing where all is the same. */
export function changesIn(before: RunData, now: RunData): readonly string[] {
  const told = (what: string, a: DataDigest, b: DataDigest): string[] => {
    if (a.clips !== b.clips) return [`there were ${a.clips} ${what}, and there are ${b.clips}`];
    if (a.ids !== b.ids) return [`some of the ${what} are others`];
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
