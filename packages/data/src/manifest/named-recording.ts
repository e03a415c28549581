import type { ClipItem } from "@kdc-mae/core";

/**
 * The recording that a clip's list says it is a part of, in a column `recording`: a film that was cut into files of its own
 * has nothing else that says so. Clips of one are dealt to one split, and intervals of figures draw them as one.
 */
export const namedRecording = ({ columns }: Pick<ClipItem, "columns">): string | undefined => columns?.recording;

/** The recording that a clip is a part of: the one that its list names, else its file where only a part of that is taken. */
export const recordingIn = ({
  path,
  start,
  end,
  columns,
}: Partial<Pick<ClipItem, "path" | "start" | "end" | "columns">>): string | undefined =>
  namedRecording({ columns }) ?? (start === undefined && end === undefined ? undefined : path);
