import { KdcError } from "@kdc-mae/core";
import { expectCount } from "../expect-count.js";
import type { DecodeRequest } from "./decoder.js";

/**
 * What is asked of a clip, looked at before its file is: a size of 0 would make ffmpeg fail on every file, and each would be left out
 * as one that cannot be decoded.
 *
 * @throws KdcError (reason `option`)
 */
export function expectRequest(where: string, request: Partial<DecodeRequest>): void {
  if ("sampleRate" in request) expectCount(where, "sampleRate", request.sampleRate);
  if (request.size !== undefined) expectCount(where, "size", request.size);
  if (request.seconds !== undefined) expectAbove(where, "seconds", request.seconds);
  if ("frames" in request) expectFrames(where, request.frames);
}

const refuse = (where: string, what: string, remedy: string): KdcError =>
  new KdcError({ where, what, remedy, reason: "option" });

function expectAbove(where: string, name: string, value: unknown): void {
  if (Number.isFinite(value) && (value as number) > 0) return;
  throw refuse(where, `${name} is ${String(value)}`, "Give a finite number of seconds above 0");
}

function expectFrames(where: string, frames: DecodeRequest["frames"] | undefined): void {
  if (frames !== undefined && "times" in frames) {
    const odd = frames.times.find((time) => !Number.isFinite(time));
    if (odd === undefined) return;
    throw refuse(where, `frames.times holds ${odd}`, "Give seconds from the clip's start");
  }
  if (frames === undefined || !("count" in frames)) {
    throw refuse(where, "frames names no pictures", "Give { count: 10, limit: 10 }, or { times: [0, 1.5] } in seconds");
  }
  expectCount(where, "frames.count", frames.count);
  if (frames.limit !== undefined) expectAbove(where, "frames.limit", frames.limit);
}
