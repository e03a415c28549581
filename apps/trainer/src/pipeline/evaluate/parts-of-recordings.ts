import type { ClipSet } from "../corpus/clip-set.js";

type Item = ClipSet["items"][number];

/** What a clip is a part of: its file, where a part of that was taken; itself else. */
const recordingOf = ({ id, path, start, end, recording }: Item): string =>
  recording ?? (path !== undefined && (start !== undefined || end !== undefined) ? path : id);

/**
 * Says that clips are parts of fewer recordings, as windows of films are. They are resampled one by one, though parts of one
 * recording are alike: an interval over 60 windows of 6 films is that of 60 films. Undefined where each is of its own.
 */
export function partsNote(items: readonly Item[]): string | undefined {
  const recordings = new Set(items.map(recordingOf)).size;
  if (recordings === items.length) return undefined;
  return `${items.length} clips are parts of ${recordings} ${recordings === 1 ? "recording" : "recordings"}: intervals and p resample clips one by one, and are too narrow where parts of one recording are alike`;
}
