import { stat } from "node:fs/promises";
import type { KdcError } from "@kdc-mae/core";
import type { MediaInfo } from "./decoder.js";
import { mediaError } from "./media-error.js";
import { readStreamInfo } from "./stream-info.js";

/** @throws KdcError when there is nothing at `path` that ffmpeg could open */
export async function expectFile(path: string): Promise<void> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const gone = cause.code === "ENOENT" || cause.code === "ENOTDIR";
    throw mediaError(path, gone ? "missing" : "unreadable", gone ? undefined : cause.code, cause);
  });
  if (!found.isFile()) throw mediaError(path, "unreadable", "it is not a plain file");
  if (found.size === 0) throw mediaError(path, "zero-length", "the file is empty");
}

/** What ffmpeg's log says about an input that it opened, or the reason why it did not. */
export function expectInput(path: string, log: string): MediaInfo {
  if (tooLarge.test(log)) throw mediaError(path, "too-large", largest);
  const info = readStreamInfo(log);
  if (info) return info;
  if (/low score|not on whitelist/.test(log)) throw mediaError(path, "not-media");
  if (/moov atom not found|reached eof|partial file|ended prematurely|: End of file/i.test(log)) {
    throw mediaError(path, "truncated", "its index is missing or broken off");
  }
  if (/Permission denied/.test(log)) throw mediaError(path, "unreadable", "permission denied");
  if (/Invalid data found/.test(log)) throw mediaError(path, "not-media");
  throw mediaError(path, "undecodable", lastWords(log));
}

/** @throws KdcError when one of the two tracks is not there */
export function expectTracks(path: string, info: MediaInfo): void {
  if (!info.audio) throw mediaError(path, "no-audio");
  if (!info.video) throw mediaError(path, "no-video");
}

/** Why a decode of a file with both tracks is not to be trusted; undefined when it is. */
export function findFault(path: string, log: string, got: Got): KdcError | undefined {
  if (/partial file|ended prematurely/i.test(log)) {
    return mediaError(path, "truncated", "it ends before the sound and pictures that its index promises");
  }
  if (got.soundBytes > 0 && got.pictures > 0 && got.exitCode === 0) return undefined;
  if (/Picture size \S+ is invalid|exceeds specified max pixel count|Cannot allocate memory/i.test(log)) {
    return mediaError(
      path,
      "too-large",
      "its pictures are larger than 36 million pixels, or it asks for too much memory",
    );
  }
  const length = readStreamInfo(log)?.duration ?? 0;
  const lack = got.soundBytes === 0 ? "no sound" : "no picture";
  if (length - got.start < 0.05) return mediaError(path, "zero-length", `it gave ${lack} from ${got.start} s on`);
  if (got.exitCode === 0 && got.soundBytes > 0) {
    return mediaError(
      path,
      "too-short",
      `it lasts ${length} s and shows nothing ${got.firstPicture} s after ${got.start} s`,
    );
  }
  return mediaError(path, "undecodable", got.exitCode === 0 ? `it gave ${lack}` : lastWords(log));
}

/** What a run of ffmpeg came to. */
export type Got = {
  readonly soundBytes: number;
  readonly pictures: number;
  readonly exitCode: number;
  /** Where reading began, seconds. */
  readonly start: number;
  /** The first picture asked for, seconds after `start`. */
  readonly firstPicture: number;
};

/** What ffmpeg says of pictures beyond the limit, and of memory beyond it. */
const tooLarge = /exceeds specified max pixel count|Cannot allocate memory/i;
const largest = "its pictures have more than 36 million pixels, or it asks for too much memory";

const lastWords = (log: string): string => log.trim().split("\n").at(-1)?.trim().slice(0, 200) ?? "";
