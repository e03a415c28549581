import { errorParts, isKdcError, KdcError } from "@kdc-mae/core";

const reasons = {
  missing: ["there is no such file", "Check the path, or fetch the file again"],
  unreadable: ["the file cannot be read", "Check that it is a file and that you may read it"],
  "not-media": ["it is not a media file that ffmpeg knows", "Check what it holds; it may be a web page or a playlist"],
  "no-audio": ["it has no audio track", "Leave it out, or take a version with sound"],
  "no-video": ["it has no video track", "Leave it out, or take a version with pictures"],
  "zero-length": ["it has no duration", "Leave it out, or fetch the file again"],
  "too-short": ["it is too short", "Leave it out, or ask for an earlier part"],
  truncated: ["it is cut short", "Fetch or copy the file again"],
  undecodable: ["ffmpeg could not decode it", "Try a current ffmpeg through FFMPEG_PATH, or encode the file again"],
  "too-large": ["it decodes to more than the limit", "Raise the limit, ask for fewer frames, or give a size"],
  timeout: ["ffmpeg did not finish in time", "Raise the time limit, or leave the file out"],
  killed: ["ffmpeg was killed from outside, twice", "Check whether memory ran out; use fewer workers, and run again"],
  crashed: ["ffmpeg crashed on it", "Leave it out, or try a current ffmpeg through FFMPEG_PATH"],
  aborted: ["decoding was stopped", "Run again to go on"],
} as const;

/** The error of a program that cannot be run at all, which no other file will cure. */
export function startError(program: string, cause: unknown): KdcError {
  return new KdcError({
    where: program,
    what: `ffmpeg could not be started (${cause instanceof Error ? cause.message : String(cause)})`,
    remedy: "Take the path from locateFfmpeg, or set FFMPEG_PATH to a program that runs",
    reason: "no-ffmpeg",
    cause,
  });
}

/** Why a file gave no clip. */
export type MediaReason = keyof typeof reasons;

/** Reasons that are the file's own: a run leaves such clips out, counts them and goes on. */
export const leaveOutReasons: ReadonlySet<string> = new Set([
  ...Object.keys(reasons).filter((reason) => reason !== "aborted"),
  "bad-wav",
]);

/** Reasons of the moment: another time the file may be read. */
export const passingReasons: ReadonlySet<string> = new Set<MediaReason>(["killed", "timeout"]);

/** {@link leaveOutReasons}, and those of a manifest's item: a name that cannot be used, a way out of the media root, a bad picture. */
export const itemReasons: ReadonlySet<string> = new Set([
  ...leaveOutReasons,
  "bad-name",
  "outside-root",
  "bad-picture",
]);

/** The last lines that ffmpeg said about a file, kept with an error as its cause. */
const logMarker = "ffmpeg's last lines";

/** The same error with the last lines of ffmpeg's log, for {@link lastLinesOf}. */
export function withLastLines(error: unknown, log: string): unknown {
  if (!isKdcError(error)) return error;
  // Addresses in memory differ from run to run.
  const lines = log
    .replace(/ @ 0x[0-9a-f]+/g, "")
    .trim()
    .split("\n")
    .slice(-5);
  const cause = new Error(lines.join("\n").slice(-1000));
  cause.name = logMarker;
  return new KdcError({ ...errorParts(error), cause });
}

/** What ffmpeg said last about the file of an error; undefined where it was not asked or said nothing. */
export function lastLinesOf(error: KdcError): string | undefined {
  return error.cause instanceof Error && error.cause.name === logMarker ? error.cause.message || undefined : undefined;
}

/** The error a person gets about one file: its path, what is wrong, and what to do. */
export function mediaError(path: string, reason: MediaReason, detail?: string, cause?: unknown): KdcError {
  const [what, remedy] = reasons[reason];
  return new KdcError({ where: path, what: detail ? `${what} (${detail})` : what, remedy, reason, cause });
}
