import type { ClipItem } from "@kdc-mae/core";
import { recordingIn } from "../manifest/named-recording.js";
import { nameLedger } from "../manifest/one-id-one-clip.js";
import type { Placing } from "./place-clips.js";

/** What a clip says of where it belongs. */
type Part = Partial<Pick<ClipItem, "path" | "start" | "end" | "columns" | "split">> & { readonly recording?: string };

/**
 * Notices recordings with clips in several splits as clips go by: clips of one are near copies, so that figures on such a
 * split are not of recordings that were never seen. It takes 24 bytes a recording.
 */
export function recordingsInSplits(): {
  /** Takes the next clip in. */
  add(clip: Part): void;
  /** Where clips go, with what is known of recordings, once all clips are in. */
  told(placing: Placing): Placing;
} {
  const firstIn = nameLedger();
  const splits: (string | undefined)[] = [];
  const several = new Map<string, Set<string | undefined>>();
  return {
    add(clip) {
      const { recording = recordingIn(clip) } = clip;
      if (recording === undefined) return;
      const { split } = clip;
      if (!splits.includes(split)) splits.push(split);
      const before = firstIn(recording, splits.indexOf(split));
      if (before === undefined || splits[before] === split) return;
      const known = several.get(recording) ?? new Set([splits[before]]);
      several.set(recording, known.add(split));
    },
    told(placing) {
      const has = (own: ReadonlySet<string | undefined>, split: string) =>
        [...own].some((named) => placing.of(named) === split);
      const recordingsInBoth = (one: string, other: string) =>
        [...several].filter(([, own]) => has(own, one) && has(own, other)).map(([recording]) => recording);
      return { ...placing, recordingsInBoth };
    },
  };
}
