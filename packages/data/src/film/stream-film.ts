import type { Frame } from "@kdc-mae/core";
import {
  bareSound,
  beginningOf,
  decodeInput,
  generalOptions,
  gridRate,
  pictureOutput,
  type Selected,
  soundOutput,
} from "../media/command.js";
import { findFault } from "../media/diagnose.js";
import type { PictureTrack, SoundTrack } from "../media/ffmpeg/facts.js";
import { withoutName } from "../media/ffmpeg/log.js";
import type { RawPicture } from "../media/ffmpeg/pictures.js";
import { pipeOf } from "../media/ffmpeg/run-alone.js";
import type { LookedAt } from "../media/look.js";
import { mediaError, withLastLines } from "../media/media-error.js";
import type { MediaWindow } from "./media-window.js";
import { pcmReader, soundBuffer } from "./pcm-stream.js";
import { pictureReader } from "./picture-stream.js";
import type { WindowPlan, WindowSpan } from "./plan-windows.js";
import { startFfmpeg } from "./running-ffmpeg.js";

export type StreamedFilm = {
  /** The program. */
  readonly ffmpeg: string;
  readonly path: string;
  readonly looked: LookedAt;
  readonly plan: WindowPlan;
  /** The first window that is given. */
  readonly skip: number;
  /** Where the film ends, seconds on its clock; of sound alone its own end counts. */
  readonly to: number;
  readonly sound?: { readonly track: SoundTrack; readonly sampleRate: number } | undefined;
  readonly pictures?: { readonly track: PictureTrack; readonly size: number | undefined } | undefined;
  /** The last picture of all, for a window that it stands in and whose own would come after it. */
  readonly standing: (window: WindowSpan) => Promise<readonly Frame[] | undefined>;
  readonly timeoutMs: number;
  /** Most bytes of sound that waits for pictures, or pictures for sound, where a file holds them far apart. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
};

/**
 * The windows of a film through one ffmpeg from its first to its last picture: what is held is a window's sound and the
 * pictures that have come for it. Nobody reads where nobody asks for a window, so ffmpeg waits.
 *
 * @throws KdcError with a `MediaReason`, after the windows before the fault
 */
export async function* streamFilm(film: StreamedFilm): AsyncGenerator<MediaWindow> {
  const { path, looked, plan, skip, sound, pictures, maxBytes } = film;
  const first = plan.at(skip, pictures ? film.to : Number.POSITIVE_INFINITY);
  if (first === undefined) return;
  const begin = first.start;
  const rate = sound?.sampleRate ?? 1;
  const sampleAt = (time: number) => Math.round((time - begin) * rate);
  const numberOf = (time: number) => Math.round(time * gridRate) - Math.round(begin * gridRate);
  const selected = pictures && selectWindows(plan, skip, film.to, numberOf);
  const running = start(film, begin, selected);

  const read = sound && pcmReader(bareSound(sound.track.codec));
  const split = pictureReader();
  const [heard, shown] = [soundBuffer(), new Map<number, RawPicture>()];
  let [hears, sees, came, imageBytes] = [sound !== undefined, pictures !== undefined, 0, 0];
  const late = Math.max(0, sampleAt((sound?.track.span?.first ?? 0) - looked.facts.zero));
  const feed = (output: number, bytes: Uint8Array | undefined) => {
    const isSound = sound !== undefined && output === 0;
    if (bytes === undefined) {
      if (isSound) hears = false;
      else sees = false;
    } else if (isSound) {
      // What begins late has silence before it.
      if (heard.end === 0 && late > 0) heard.add(new Float32Array(late));
      const samples = read!(bytes);
      if (!samples.every(Number.isFinite)) throw mediaError(path, "undecodable", "samples that are not finite numbers");
      heard.add(samples);
    } else {
      for (const picture of split(bytes)) {
        shown.set(selected!.numbers[came++], picture);
        imageBytes += picture.data.length;
      }
    }
    if (4 * heard.held + imageBytes > maxBytes) {
      throw mediaError(path, "too-large", "its sound and its pictures lie too far apart to be read together");
    }
  };
  const end = () => (pictures ? film.to : hears ? Number.POSITIVE_INFINITY : begin + heard.end / rate);
  const isReady = (window: WindowSpan) =>
    (!hears || heard.end >= sampleAt(window.end)) &&
    (!sees || came === selected!.count || numberOf(plan.picturesOf(window).at(-1)!) <= selected!.numbers[came - 1]);

  let asked = false;
  const framesOf = async (window: WindowSpan): Promise<readonly Frame[] | undefined> => {
    if (!pictures) return undefined;
    const times = plan.picturesOf(window);
    const there = times.flatMap((time) => shown.get(numberOf(time)) ?? []);
    if (there.length === 0) {
      if (asked || came === 0) return undefined;
      const frames = await film.standing(window);
      asked = frames === undefined;
      return frames;
    }
    return times.map(
      (time, at): Frame => ({
        ...there[Math.min(at, there.length - 1)],
        time: Math.round((time - window.start) * gridRate) / gridRate,
      }),
    );
  };

  try {
    for (let index = skip; ; index++) {
      let window = plan.at(index, end());
      while (window && !isReady(window)) {
        const next = await running.next();
        if (next === undefined) break;
        feed(next.output, next.bytes);
        window = plan.at(index, end());
      }
      if (!window) break;
      const samples =
        sound && sampleAt(window.end) > late ? heard.slice(sampleAt(window.start), sampleAt(window.end)) : [];
      const frames = await framesOf(window);
      const made: MediaWindow = {
        ...window,
        ...(sound && samples.length > 0 ? { sound: { samples: samples as Float32Array, sampleRate: rate } } : {}),
        ...(frames ? { frames } : {}),
      };
      // The last window may be moved back, but not beyond the beginning of the one before it.
      heard.drop(sampleAt(window.start));
      const following = plan.at(index + 1, end());
      for (const [number, { data }] of shown) {
        if (following && number >= numberOf(plan.picturesOf(following)[0])) continue;
        shown.delete(number);
        imageBytes -= data.length;
      }
      if (made.sound || made.frames) yield made;
      if (!following && Number.isFinite(end())) break;
    }
    for (;;) {
      const rest = await running.next();
      if (rest === undefined) break;
    }
    const { exitCode, log } = await running.end();
    const reach = Math.min(
      ...(sound ? [begin + heard.end / rate] : []),
      ...(pictures && came < selected!.count ? [0] : []),
      Number.POSITIVE_INFINITY,
    );
    const fault = findFault(
      path,
      { ...looked, facts: { ...looked.facts, reach: reach + looked.facts.zero } },
      { start: begin, seconds: film.to - begin },
      {
        ...{ exitCode, log: withoutName(log, path) },
        ...(sound && (heard.end > 0 || came === 0) ? { sound: heard.end } : {}),
        ...(pictures && (came > 0 || heard.end === 0) ? { pictures: came } : {}),
      },
    );
    if (fault) throw withLastLines(fault, log);
  } finally {
    running.stop();
  }
}

function start(film: StreamedFilm, begin: number, selected: Selected | undefined) {
  const { path, looked, sound, pictures, to, timeoutMs, signal } = film;
  const beginning = beginningOf(looked.facts, begin, looked.container.kind === "transport");
  const { kind, shift } = beginning;
  // Where sound changes its kind on the way, ffmpeg would place it anew from the film's beginning.
  const placing = { placed: false, bare: true, seconds: pictures ? to - begin : Number.POSITIVE_INFINITY };
  const outputs = [
    ...(sound ? [soundOutput(0, sound.track, { sampleRate: sound.sampleRate, shift, ...placing })] : []),
    ...(pictures && selected ? [pictureOutput(0, pictures.track, selected, { size: pictures.size, shift })] : []),
  ];
  const args = [
    ...generalOptions(kind),
    ...decodeInput(path, beginning),
    ...outputs.flatMap((output, index) => [...output, `pipe:${pipeOf(index)}`]),
  ];
  return startFfmpeg(film.ffmpeg, args, { path, outputs: outputs.length, timeoutMs, signal });
}

/** The pictures of all windows on the grid, in order, and how ffmpeg is to pick them. */
function selectWindows(plan: WindowPlan, skip: number, to: number, numberOf: (time: number) => number) {
  const all: number[] = [];
  const terms: string[] = [];
  const step = Math.round(plan.hop * gridRate);
  let regular = 0;
  let before: WindowSpan | undefined;
  for (let index = skip; ; index++) {
    const window = plan.at(index, to);
    if (!window) break;
    const numbers = plan.picturesOf(window).map(numberOf);
    all.push(...numbers);
    const moved = before !== undefined && numberOf(window.start) - numberOf(before.start) !== step;
    if (moved) terms.push(...numbers.map((number) => `eq(n\\,${number})`));
    else regular++;
    before = window;
  }
  const first = plan.picturesOf(plan.at(skip, to)!).map(numberOf);
  const last = (regular - 1) * step;
  terms.push(...first.map((number) => `not(mod(n-${number}\\,${step}))*between(n\\,${number}\\,${number + last})`));
  const numbers = [...new Set(all)].sort((a, b) => a - b);
  return { select: terms.join("+"), count: numbers.length, numbers };
}
