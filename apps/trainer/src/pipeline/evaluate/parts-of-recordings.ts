import { recordingIn } from "@kdc-mae/data/node";
import { recordingNumbers } from "@kdc-mae/eval";
import type { ResultSection } from "@kdc-mae/eval/report";
import type { ClipSet } from "../corpus/clip-set.js";

type Item = ClipSet["items"][number];

/** What a clip is a part of: what its list or shards name, else its file, where a part of that was taken; itself else. */
export const recordingOf = (item: Item): string => item.recording ?? recordingIn(item) ?? item.id;

/**
 * How intervals of figures of these clips are drawn: by recording, since windows of one film are near copies, and an interval
 * over 60 windows of 6 films is that of 6 films.
 */
export const byRecording = (items: readonly Item[]): { readonly intervals: { readonly recordings: Int32Array } } => ({
  intervals: { recordings: recordingNumbers(items.map(recordingOf)) },
});

/** The recording of each clip by the clip's id; none where each is of its own. */
export const recordingsById = (items: readonly Item[]): Readonly<Record<string, string>> => {
  const all = items.map((item) => [item.id, recordingOf(item)] as const);
  return new Set(all.map(([, recording]) => recording)).size === items.length ? {} : Object.fromEntries(all);
};

/**
 * Says why there are no intervals: of one recording nobody knows how far another is from it. Undefined where there are.
 *
 * @param section the clips that figures are of, which may be some of those that were evaluated, such as those with a box
 */
export function loneNote({
  evaluated,
  recordings,
}: Pick<ResultSection, "evaluated" | "recordings">): string | undefined {
  if (recordings !== 1) return undefined;
  return `all ${evaluated} clips are parts of one recording: no figure has an interval over clips, since intervals are drawn by recording`;
}
