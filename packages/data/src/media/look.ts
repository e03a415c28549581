import { stat } from "node:fs/promises";
import { errorParts, KdcError } from "@kdc-mae/core";
import { countInput, countOutput, maxPixels, type Span } from "./command.js";
import { type Container, readContainer } from "./container/container.js";
import { explainClosed, largest } from "./diagnose.js";
import { type Facts, factsOf, type Looked } from "./ffmpeg/facts.js";
import type { Job, Ran, RunJob } from "./ffmpeg/job.js";
import { refusedPixels } from "./ffmpeg/log.js";
import { readPackets } from "./ffmpeg/packets.js";
import { mediaError } from "./media-error.js";

/** A file that was looked at, not yet decoded. */
export type LookedAt = { readonly facts: Facts; readonly container: Container; readonly bytes: number };

/** A little more is counted than is decoded, seconds: packets come in the order of decoding, not of showing. */
const spare = 1;
/** Most bytes of what is written about packets: some millions of them. */
const mostText = 256 * 2 ** 20;

/**
 * Looks at a file without decoding it: its tracks, and which packets the part to be decoded has.
 *
 * @throws KdcError with a {@link MediaReason}
 */
export async function lookAt(path: string, span: Span, run: RunJob, signal?: AbortSignal): Promise<LookedAt> {
  const bytes = await expectFile(path);
  const container = await readContainer(path).catch((cause: NodeJS.ErrnoException) => {
    throw mediaError(path, "unreadable", cause.code, cause);
  });
  if (container.kind === "iso" && !container.index && /^(?:hei|hev|mif|msf|avi[fs])/.test(container.brand)) {
    const kind = container.brand === "avif" ? "AVIF" : "HEIC";
    const found = mediaError(path, "not-media", `it is a still picture, ${kind}`);
    throw new KdcError({ ...errorParts(found), remedy: "Save it as JPEG, PNG or WebP" });
  }
  const transport = container.kind === "transport";
  const look = (how: "raw" | "whole" | "part") => {
    const part = how === "part" && span.start > 0;
    const until = how !== "part" ? Number.POSITIVE_INFINITY : part ? spare : span.start + span.seconds + spare;
    return run(lookJob(path, { bytes, container, raw: how === "raw", until, span: part ? span : undefined, signal }));
  };
  const first = await look(transport ? "raw" : "part");
  // Timestamps of transport streams may begin again, and what is counted then has to be put in order by ffmpeg.
  if (first.restarts) return { facts: { ...(await look("whole")), restarts: true }, container, bytes };
  const unknown = first.duration === undefined && !transport && (first.sound ?? first.pictures) !== undefined;
  return { facts: unknown ? await look("whole") : first, container, bytes };
}

type LookOptions = {
  readonly bytes: number;
  readonly container: Container;
  /** Timestamps are taken as they stand. */
  readonly raw: boolean;
  /** Counted from the start to here, seconds. */
  readonly until: number;
  /** Counted besides. */
  readonly span: Span | undefined;
  readonly signal: AbortSignal | undefined;
};

function lookJob(path: string, { bytes, container, raw, until, span, signal }: LookOptions): Job<Facts> {
  const read = ({ log, listed, exitCode, outputs }: Ran): Facts => {
    const pixels = refusedPixels(log);
    const [input] = listed;
    if (!input) throw explainClosed(path, container, log);
    if (pixels > maxPixels) throw mediaError(path, "too-large", largest);
    if (exitCode !== 0 && log === "") throw mediaError(path, "undecodable");
    const lists = exitCode === 0 ? outputs.map(readPackets) : [];
    const [counted, part] = lists;
    const ends = (counted ?? []).flatMap((track) => (track.packets > 0 ? [track.end] : []));
    const looked: Looked = {
      ...{ listed: input, counted, raw, cutShort: container.cutShort },
      ...(part && span ? { part: { from: span.start, counted: part } } : {}),
      whole: exitCode === 0 && ends.length > 0 && Math.max(...ends) < until - spare / 2,
      turns: "turns" in container ? container.turns : [],
    };
    return factsOf(looked);
  };
  return {
    ...{ kind: raw ? "look-raw" : "look", path, bytes, signal, read },
    inputs: [countInput(path, 0), ...(span ? [countInput(path, span.start)] : [])],
    outputs: [
      (input) => countOutput(input, until),
      ...(span ? [(input: number) => countOutput(input + 1, span.seconds + spare)] : []),
    ],
    limits: span ? [mostText, mostText] : [mostText],
  };
}

/** @returns the size of a plain file @throws KdcError when there is nothing at `path` that ffmpeg could open */
async function expectFile(path: string): Promise<number> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const gone = cause.code === "ENOENT" || cause.code === "ENOTDIR";
    throw mediaError(path, gone ? "missing" : "unreadable", gone ? undefined : cause.code, cause);
  });
  if (!found.isFile()) throw mediaError(path, "unreadable", "it is not a plain file");
  if (found.size === 0) throw mediaError(path, "zero-length", "the file is empty");
  return found.size;
}
