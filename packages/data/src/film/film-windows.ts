import { type ClipItem, type Frame, isKdcError, KdcError } from "@kdc-mae/core";
import type { Span } from "../media/command.js";
import type { MediaDecoder } from "../media/decoder.js";
import { expectRequest } from "../media/expect-request.js";
import type { RunJob } from "../media/ffmpeg/job.js";
import { type LookedAt, lookAt } from "../media/look.js";
import { mediaError } from "../media/media-error.js";
import type { Decoded, Wanted } from "../media/wanted.js";
import { cutWindows } from "./cut-windows.js";
import type { MediaWindow, WindowsRequest } from "./media-window.js";
import { planWindows, type WindowPlan } from "./plan-windows.js";
import { readAhead } from "./read-ahead.js";
import { streamFilm } from "./stream-film.js";

/** Films up to this long are decoded whole, and so many of them by one process, seconds. */
const short = 30;
/** Windows that are read before they are asked for. */
const ahead = 4;

type How = Pick<MediaDecoder, "decodePictures"> & {
  readonly ffmpeg: string;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly run: RunJob;
  readonly work: (path: string, looked: LookedAt, span: Span, wanted: Wanted, signal?: AbortSignal) => Promise<Decoded>;
};

/** The windows of a file: a short one is decoded at once and cut, a long one streamed. */
export async function* filmWindows(item: ClipItem, request: WindowsRequest, how: How): AsyncGenerator<MediaWindow> {
  const { path } = item;
  const { sampleRate, size, only, skip = 0, signal, onLength } = request;
  expectRequest("windows", { ...(only === "pictures" ? {} : { sampleRate }), size });
  const from = item.start ?? 0;
  const plan = planWindows(from, request);
  const begin = plan.at(skip, Number.POSITIVE_INFINITY)!.start;
  const looked = await lookAt(path, { start: begin, seconds: short }, how.run, signal);
  const { facts } = looked;
  const sound = only === "pictures" ? undefined : facts.sound;
  const pictures = only === "sound" ? undefined : facts.pictures;
  if (!sound && !pictures) throw mediaError(path, only === "pictures" ? "no-video" : "no-audio");
  const length = facts.duration;
  const to = Math.min(item.end ?? Number.POSITIVE_INFINITY, length ?? from + short);
  if (!(to > from)) throw mediaError(path, "zero-length", `it lasts ${length} s and was to be read from ${from} s on`);
  if (length !== undefined) onLength?.(to - from);
  if (!plan.at(skip, to)) return;
  const wanted: Wanted = {
    ...(sound ? { sound: { track: sound, sampleRate } } : {}),
    ...(pictures ? { pictures: { track: pictures, times: [], ...(size === undefined ? {} : { size }) } } : {}),
  };
  if (to - begin <= short) {
    yield* shortWindows(path, looked, plan, { from: begin, to, skip }, wanted, how, signal);
    return;
  }
  const stop = new AbortController();
  const film = streamFilm({
    ...{ ffmpeg: how.ffmpeg, timeoutMs: how.timeoutMs, maxBytes: how.maxBytes },
    ...{ path, looked, plan, skip, to },
    ...{ sound: wanted.sound, pictures: pictures && { track: pictures, size } },
    standing: (window) =>
      how
        .decodePictures(
          { ...item, start: window.start, end: window.end },
          {
            ...{ signal },
            times: plan.picturesOf(window).map((time) => time - window.start),
            ...(size === undefined ? {} : { size }),
          },
        )
        .catch((error: unknown) => {
          if (isKdcError(error) && error.reason === "too-short") return undefined;
          throw error;
        }),
    signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
  });
  yield* readAhead(film, ahead, () => stop.abort());
}

type Part = { readonly from: number; readonly to: number; readonly skip: number };

async function* shortWindows(
  path: string,
  looked: LookedAt,
  plan: WindowPlan,
  { from, to, skip }: Part,
  wanted: Wanted,
  { work }: How,
  signal: AbortSignal | undefined,
): AsyncGenerator<MediaWindow> {
  const { zero } = looked.facts;
  const endOf = ({ span }: { readonly span?: { readonly end: number; readonly packets: number } }) =>
    span && span.packets > 0 ? span.end - zero : to;
  const windows = [];
  for (let index = skip; ; index++) {
    const window = plan.at(index, to);
    if (!window) break;
    windows.push(window);
  }
  const seen = wanted.pictures ? windows.filter(({ start }) => start < endOf(wanted.pictures!.track) - 1e-3) : [];
  const times = seen.flatMap((window) => plan.picturesOf(window).map((time) => time - from));
  const all: Wanted = { ...wanted, ...(wanted.pictures ? { pictures: { ...wanted.pictures, times } } : {}) };
  const span: Span = { start: from, seconds: to - from };
  const { waveform, frames } = await decoded(all, (part) => work(path, looked, span, part, signal));
  const each = times.length / Math.max(1, seen.length);
  const framesOf = (index: number): readonly Frame[] | undefined => {
    const place = seen.findIndex((window) => window.index === index);
    if (place < 0 || !frames) return undefined;
    const { start } = seen[place];
    return frames
      .slice(place * each, (place + 1) * each)
      .map((frame) => ({ ...frame, time: Math.round((frame.time + from - start) * 100) / 100 }));
  };
  const late = Math.max(0, (wanted.sound?.track.span?.first ?? 0) - zero - from);
  yield* cutWindows(plan, { from, to, sound: waveform, late, framesOf }, skip);
}

/** Faults of one track, beside which the other may be well. */
const ofOneTrack = new Set(["undecodable", "too-short", "bad-wav"]);

/** What was wanted, or where one of two tracks is at fault, the other. @throws the fault where neither is well */
async function decoded(wanted: Wanted, work: (part: Wanted) => Promise<Decoded>): Promise<Decoded> {
  const { sound, pictures } = wanted;
  if (!pictures || pictures.times.length === 0) return sound ? work({ sound }) : {};
  try {
    return await work(wanted);
  } catch (error) {
    if (!sound || !isKdcError(error) || !ofOneTrack.has(error.reason)) throw error;
    const alone = (part: Wanted) =>
      work(part).catch((again: unknown) => (again instanceof KdcError ? undefined : Promise.reject(again)));
    const found = (await alone({ sound })) ?? (await alone({ pictures }));
    if (found) return found;
    throw error;
  }
}
