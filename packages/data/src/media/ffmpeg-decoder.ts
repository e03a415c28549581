import type { Clip, ClipItem, Frame, Waveform } from "@kdc-mae/core";
import { filmWindows } from "../film/film-windows.js";
import { chooseFrames } from "../visual/choose-frames.js";
import {
  type Beginning,
  beginningOf,
  decodeInput,
  type Picked,
  pickFrames,
  pictureOutput,
  type Span,
  selectPicked,
  soundOutput,
  spanOf,
} from "./command.js";
import type { DecodeRequest, MediaDecoder, MediaInfo } from "./decoder.js";
import { findFault } from "./diagnose.js";
import { expectRequest } from "./expect-request.js";
import type { PictureTrack, SoundTrack } from "./ffmpeg/facts.js";
import type { Ran, RunJob } from "./ffmpeg/job.js";
import { splitPictures } from "./ffmpeg/pictures.js";
import { type LookedAt, lookAt } from "./look.js";
import { mediaError } from "./media-error.js";
import type { Decoded, Wanted } from "./wanted.js";
import { decodeWav } from "./wav.js";

/** Bounds of one decoding. */
export type DecoderOptions = {
  /** A process still running after this long is killed, ms (60 000 by default). */
  readonly timeoutMs?: number;
  /** Most bytes of pictures taken from one clip (256 MiB by default). */
  readonly maxBytes?: number;
};

/** Seconds of a clip that are read by default. */
const usualSeconds = 30;
/** Longest time of a process, ms. */
export const usualTimeout = 60_000;

/** A decoder whose `ffmpeg` is run by `run`: look at the file, then decode what was chosen. */
export function decoderThrough(
  name: string,
  ffmpeg: string,
  run: RunJob,
  { maxBytes = 2 ** 28, timeoutMs = usualTimeout }: DecoderOptions,
): MediaDecoder {
  const probe: MediaDecoder["probe"] = async (path, { signal } = {}) =>
    infoOf(await lookAt(path, { start: 0, seconds: usualSeconds }, run, signal));

  const open = async (item: ClipItem, seconds = usualSeconds, signal?: AbortSignal) => {
    const asked = spanOf(item, seconds);
    if (!(asked.seconds > 0 && asked.start >= 0)) {
      const part = `from ${item.start ?? 0} to ${item.end ?? "its end"} s`;
      throw mediaError(item.path, "zero-length", `it was to be read ${part}`);
    }
    const looked = await lookAt(item.path, asked, run, signal);
    const { duration } = looked.facts;
    const left = duration === undefined ? asked.seconds : duration - asked.start;
    // Without an end the clip ends where the file does; with one, what lies beyond the file is simply not there.
    const span = item.end === undefined && left > 0 ? { ...asked, seconds: Math.min(asked.seconds, left) } : asked;
    return { looked, span, left };
  };

  const work = async (
    path: string,
    looked: LookedAt,
    span: Span,
    wanted: Wanted,
    signal?: AbortSignal,
  ): Promise<Decoded> => {
    const { facts, container, bytes } = looked;
    const beginning = beginningOf(facts, span.start, container.kind === "transport");
    const picked =
      wanted.pictures && pickFrames(wanted.pictures.times, lastPicture(wanted.pictures.track, looked, span));
    const attempt = (placed: boolean) =>
      run<Decoded>({
        ...{ kind: beginning.kind, path, bytes, signal },
        inputs: [decodeInput(path, beginning)],
        ...outputsOf(wanted, picked, span, { ...beginning, placed, maxBytes }),
        read: (ran) => readOutputs(ran, path, looked, span, wanted, picked),
      });
    const first = await attempt(true);
    if (!first.restarted) return first;
    const second = await attempt(false);
    return { ...second, waveform: delayed(second.waveform!, wanted.sound!.track, span.start + facts.zero) };
  };

  const decode = async (item: ClipItem, request: DecodeRequest): Promise<Clip> => {
    expectRequest(`decoder ${name}`, request);
    const { path } = item;
    const { looked, span, left } = await open(item, request.seconds, request.signal);
    const { sound, pictures } = expectTracks(path, looked);
    if (!(left > 0)) throw mediaError(path, "zero-length", `it lasts ${looked.facts.duration} s`);
    const { frames: choice, sampleRate, size } = request;
    const times = "times" in choice ? choice.times : chooseFrames(span.seconds, choice.count, choice.limit);
    const wanted = { sound: { track: sound, sampleRate }, pictures: { track: pictures, times, size } };
    const { waveform, frames } = await work(path, looked, span, wanted, request.signal);
    const length = Math.min(left, (item.end ?? Number.POSITIVE_INFINITY) - span.start);
    return {
      ...{ item, waveform: waveform!, frames: frames! },
      ...(pictures.shown ? { original: pictures.shown } : {}),
      ...(Number.isFinite(length) ? { seconds: length } : {}),
    };
  };

  const decodePictures: MediaDecoder["decodePictures"] = async (item, { times, size, signal }) => {
    expectRequest(`decoder ${name}`, { frames: { times }, size });
    const { looked, span } = await open(item, usualSeconds, signal);
    const track = looked.facts.pictures;
    if (!track) throw mediaError(item.path, "no-video");
    return (await work(item.path, looked, span, { pictures: { track, times, size } }, signal)).frames!;
  };

  return {
    ...{ name, probe, decode, decodePictures },
    windows: (item, request) => filmWindows(item, request, { ffmpeg, timeoutMs, maxBytes, run, work, decodePictures }),
    decodeSound: async (item, { sampleRate, seconds, signal }) => {
      expectRequest(`decoder ${name}`, { sampleRate, seconds });
      const { looked, span } = await open(item, seconds, signal);
      const track = looked.facts.sound;
      if (!track) throw mediaError(item.path, "no-audio");
      const { waveform } = await work(item.path, looked, span, { sound: { track, sampleRate } }, signal);
      return waveform!;
    },
  };
}

/** @throws KdcError when one of the two tracks is not there */
function expectTracks(path: string, { facts }: LookedAt): { sound: SoundTrack; pictures: PictureTrack } {
  const { sound, pictures } = facts;
  if (!sound) throw mediaError(path, "no-audio");
  if (!pictures) throw mediaError(path, "no-video");
  return { sound, pictures };
}

function infoOf({ facts }: LookedAt): MediaInfo {
  const { format, duration, sound, pictures, zero } = facts;
  const endOf = (track: SoundTrack | PictureTrack) =>
    track.span && track.span.packets > 0 ? { end: track.span.end - zero } : {};
  return {
    format,
    ...(duration === undefined ? {} : { duration }),
    ...(sound
      ? { audio: { track: sound.index, codec: sound.codec, sampleRate: sound.sampleRate, ...endOf(sound) } }
      : {}),
    ...(pictures
      ? {
          video: {
            track: pictures.index,
            codec: pictures.codec,
            ...(pictures.shown ?? { width: 0, height: 0 }),
            ...endOf(pictures),
          },
        }
      : {}),
  };
}

/** When the last picture of a part comes, seconds from its start: 0 where none begins in it, and one may still stand. */
function lastPicture({ span: counted }: PictureTrack, { facts }: LookedAt, { start }: Span): number | undefined {
  if (!counted) return undefined;
  return counted.packets === 0 ? 0 : Math.max(0, counted.last - facts.zero - start);
}

type OutputOptions = Beginning & { readonly placed: boolean; readonly maxBytes: number };

function outputsOf(wanted: Wanted, picked: Picked | undefined, { seconds }: Span, how: OutputOptions) {
  const outputs: ((input: number) => readonly string[])[] = [];
  const limits: number[] = [];
  const { sound, pictures } = wanted;
  const { shift, placed, maxBytes } = how;
  if (sound) {
    const { track, sampleRate } = sound;
    outputs.push((input) => soundOutput(input, track, { sampleRate, seconds, shift, placed }));
    // As much again for sound that begins anew in the middle, and four bytes a sample.
    limits.push(Math.ceil(8 * sampleRate * (seconds + 1) + 4096));
  }
  if (pictures && picked) {
    const { track, size } = pictures;
    outputs.push((input) => pictureOutput(input, track, selectPicked(picked), { size, shift }));
    const all = size === undefined ? maxBytes : picked.gridFrames.length * (size ** 2 * 3 + 40);
    limits.push(Math.min(all, maxBytes));
  }
  return { outputs, limits };
}

/** A little over what was asked for is rounding, seconds; more of it is sound that was put in its place anew. */
const rounding = 0.15;

function readOutputs(
  { exitCode, log, outputs }: Ran,
  path: string,
  looked: LookedAt,
  span: Span,
  { sound, pictures }: Wanted,
  picked: Picked | undefined,
): Decoded {
  const wav = sound && outputs[0];
  const shown = pictures && splitPictures(outputs[sound ? 1 : 0]);
  const fault = findFault(path, looked, span, {
    ...{ exitCode, log },
    ...(wav ? { sound: Math.max(0, wav.length - 80) } : {}),
    ...(shown ? { pictures: shown.length } : {}),
  });
  if (fault) throw fault;
  const heard = wav && inRange(decodeWav(wav, path, { streamed: true }));
  const most = heard ? Math.round(span.seconds * heard.sampleRate) : 0;
  const restarted = heard !== undefined && heard.samples.length > most + rounding * heard.sampleRate;
  const waveform = heard && (restarted ? heard : { ...heard, samples: heard.samples.subarray(0, most) });
  const frames =
    shown &&
    pictures?.times.map((time, index): Frame => {
      const { width, height, data } = shown[Math.min(picked!.indexOf[index], shown.length - 1)];
      return { width, height, data: new Uint8Array(data), time };
    });
  return { ...(waveform ? { waveform } : {}), ...(frames ? { frames } : {}), restarted };
}

/** Samples from −1 to 1 in steps of 16 bits, as all other sound comes. */
function inRange({ samples, sampleRate }: Waveform): Waveform {
  const plain = samples.every((value) => value * 32768 === Math.round(value * 32768) && value >= -1 && value < 1);
  if (plain) return { samples, sampleRate };
  const whole = samples.map((value) => Math.max(-32768, Math.min(32767, Math.round(value * 32768))) / 32768);
  return { samples: whole, sampleRate };
}

/** Silence before sound that begins late. */
function delayed({ samples, sampleRate }: Waveform, { span }: SoundTrack, from: number): Waveform {
  const late = Math.max(0, Math.round(((span?.first ?? from) - from) * sampleRate));
  const whole = new Float32Array(late + samples.length);
  whole.set(samples, late);
  return { samples: whole, sampleRate };
}
