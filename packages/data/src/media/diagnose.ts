import type { KdcError } from "@kdc-mae/core";
import { maxPixels, type Span } from "./command.js";
import type { Container } from "./container/container.js";
import type { Facts } from "./ffmpeg/facts.js";
import { errorTexts, fileErrorIn, lastError, refusedPixels } from "./ffmpeg/log.js";
import { mediaError } from "./media-error.js";

export const largest = "its pictures have more than 36 million pixels, or it asks for too much memory";

/** Why ffmpeg could not open a file: by the file's own structure first, then by ffmpeg's error number. */
export function explainClosed(path: string, container: Container, log: string): KdcError {
  if (refusedPixels(log) > maxPixels) return mediaError(path, "too-large", largest);
  const number = fileErrorIn(log);
  if (number === "EACCES") return mediaError(path, "unreadable", "permission denied");
  if (container.kind === "unknown") return mediaError(path, "not-media");
  if (container.cutShort || (container.kind === "iso" && !container.index)) {
    return mediaError(path, "truncated", "its index is missing or broken off");
  }
  if (number === "ENOMEM") return mediaError(path, "too-large", largest);
  return mediaError(path, "undecodable", lastError(log));
}

/** What a decode came to: of a track that was not asked for, undefined. */
export type Got = {
  readonly exitCode: number;
  readonly log: string;
  /** Seconds. */
  readonly sound?: number;
  readonly pictures?: number;
};

/** Containers round times; ends this near are one, seconds. */
const near = 0.1;

/**
 * Why what was decoded of a part is not to be trusted; undefined when it is.
 *
 * @param until where the part ends by the request and the file's own word, seconds on the file's clock
 */
export function findFault(
  path: string,
  { facts, container }: { readonly facts: Facts; readonly container: Container },
  { start, seconds }: Span,
  got: Got,
): KdcError | undefined {
  const until = Math.min(start + seconds, facts.duration ?? Number.POSITIVE_INFINITY) + facts.zero;
  if (container.cutShort && facts.reach !== undefined && facts.reach < until - near) {
    return mediaError(path, "truncated", "it ends before the sound and pictures that its index promises");
  }
  const lacks = got.sound === 0 ? "sound" : got.pictures === 0 ? "picture" : undefined;
  if (lacks === undefined && got.exitCode === 0) return undefined;
  if (refusedPixels(got.log) > maxPixels || errorTexts(got.log).includes("Cannot allocate memory")) {
    return mediaError(path, "too-large", largest);
  }
  if (got.exitCode !== 0) return mediaError(path, "undecodable", lastError(got.log));
  const length = facts.duration;
  if (length !== undefined && length - start < 0.05) {
    return mediaError(path, "zero-length", `it lasts ${length.toFixed(2)} s and was to be read from ${start} s on`);
  }
  const track = lacks === "sound" ? facts.sound : facts.pictures;
  const packets = track?.span && track.span.packets > 0 && track.span.first < until && track.span.end > start;
  if (packets) return mediaError(path, "undecodable", `it gave no ${lacks}`);
  const stops = track?.span && track.span.packets > 0 ? `, its ${lacks} ends` : "";
  return mediaError(path, "too-short", `no ${lacks} reaches the part from ${start} to ${until.toFixed(2)} s${stops}`);
}
