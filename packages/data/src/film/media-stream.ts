import type { Frame, Waveform } from "@kdc-mae/core";
import {
  type Beginning,
  bareSound,
  beginningOf,
  decodeInput,
  generalOptions,
  gridRate,
  pictureOutput,
  pipedInput,
  soundOutput,
} from "../media/command.js";
import type { Facts } from "../media/ffmpeg/facts.js";
import { errorTexts, lastError, withoutName } from "../media/ffmpeg/log.js";
import { pipeOf, runAlone } from "../media/ffmpeg/run-alone.js";
import { usualTimeout } from "../media/ffmpeg-decoder.js";
import { lookAt } from "../media/look.js";
import { mediaError, withLastLines } from "../media/media-error.js";
import { pcmReader } from "./pcm-stream.js";
import { pictureReader } from "./picture-stream.js";
import { type ByteSource, feed, lookIntoPipe } from "./piped-media.js";
import { startFfmpeg } from "./running-ffmpeg.js";

/**
 * What comes next of a stream: sound that goes on from the last, a picture with its time, or the end of one of the two. Of a file
 * whose length its container tells, `until` is that length, seconds, and comes first.
 */
export type StreamedPart =
  | { readonly until: number }
  | { readonly sound: Waveform }
  | { readonly frames: readonly Frame[] }
  | { readonly ended: "sound" | "pictures" };

/** What is wanted of a stream. */
export type MediaStreamRequest = {
  /** Hz; sound comes as the mean of its channels at this rate. */
  readonly sampleRate: number;
  /** Side of the square pictures, pixels. */
  readonly size: number;
  /** When the first picture is taken, and from one to the next: seconds, multiples of 0.01. */
  readonly first: number;
  readonly every: number;
  /** One of the two alone is read. */
  readonly only?: "sound" | "pictures";
  /** A file is read no faster than it plays, as a microphone and a camera give it. */
  readonly paced?: boolean;
  readonly signal?: AbortSignal;
};

/** How a stream through a pipe is called in errors. */
const piped = "standard input";

/**
 * Reads a film, or a stream of one through a pipe, as it comes, through one ffmpeg: sound and pictures, each in order.
 * Nothing is held but what ffmpeg and the pipes hold. What it has none of has ended from the beginning.
 *
 * @param source a file, or bytes as they come, in any container that can be read from its beginning
 * @throws KdcError with a `MediaReason`, or what the source itself throws; what came before stands
 */
export async function* readMediaStream(
  ffmpeg: string,
  source: string | ByteSource,
  request: MediaStreamRequest,
): AsyncGenerator<StreamedPart> {
  const { sampleRate, size, first, every, only, paced = false, signal } = request;
  const path = typeof source === "string" ? source : piped;
  const opened = typeof source === "string" ? await lookAtFile(ffmpeg, source, signal) : undefined;
  const pipe = typeof source === "string" ? undefined : await lookIntoPipe(ffmpeg, path, source, signal);
  const { facts } = (opened ?? pipe)!;
  const sound = only === "pictures" ? undefined : facts.sound;
  const pictures = only === "sound" ? undefined : facts.pictures;
  if (!sound && !pictures) {
    pipe?.release();
    throw mediaError(path, only === "pictures" ? "no-video" : "no-audio");
  }

  const { kind, shift } = opened?.beginning ?? { kind: "decode", shift: facts.zero };
  // The ffmpeg of 2018 repeats a transport stream's last picture for as long as its clock is ahead of the film's.
  const length = (opened && facts.duration) ?? Number.POSITIVE_INFINITY;
  const numberOf = (time: number) => Math.round(time * gridRate);
  const [begin, step] = [numberOf(first), numberOf(every)];
  const all = { select: `not(mod(n-${begin}\\,${step}))*gte(n\\,${begin})`, count: 2 ** 31 - 1 };
  const outputs = [
    ...(sound
      ? [
          soundOutput(0, sound, {
            sampleRate,
            shift,
            seconds: pictures ? length : Number.POSITIVE_INFINITY,
            bare: true,
          }),
        ]
      : []),
    ...(pictures ? [pictureOutput(0, pictures, all, { size, shift })] : []),
  ];
  const args = [
    ...[...generalOptions(kind), ...(paced ? ["-re"] : [])],
    ...(opened ? decodeInput(path, opened.beginning) : pipedInput()),
    ...outputs.flatMap((output, index) => [...output, "-flush_packets", "1", `pipe:${pipeOf(index)}`]),
  ];
  const running = startFfmpeg(ffmpeg, args, {
    ...{ path, outputs: outputs.length, signal },
    // A live stream may be quiet for as long as it likes, and a file read as it plays from one picture to the next.
    ...(pipe ? { fed: true } : { timeoutMs: usualTimeout + (paced ? 1000 * Math.max(first, every) : 0) }),
  });
  const failures: unknown[] = [];
  if (pipe) void feed(running.input!, pipe, (error) => failures.push(error));

  const read = sound && pcmReader(bareSound(sound.codec));
  const split = pictureReader();
  let [heard, seen] = [0, 0];
  try {
    if (length < Number.POSITIVE_INFINITY) yield { until: length };
    if (!sound) yield { ended: "sound" };
    if (!pictures) yield { ended: "pictures" };
    for (;;) {
      // Who is slow would else hear for as long as there is sound, and see much later.
      const isPictureLate = (begin + seen * step) / gridRate <= heard / sampleRate;
      const next = await running.next(sound && pictures ? Number(isPictureLate) : undefined);
      if (next === undefined) break;
      const isSound = sound !== undefined && next.output === 0;
      if (next.bytes === undefined) yield { ended: isSound ? "sound" : "pictures" };
      else if (isSound) {
        const samples = read!(next.bytes);
        if (!samples.every(Number.isFinite))
          throw mediaError(path, "undecodable", "samples that are not finite numbers");
        heard += samples.length;
        if (samples.length > 0) yield { sound: { samples, sampleRate } };
      } else {
        const frames = split(next.bytes)
          .map((picture) => ({ ...picture, time: (begin + seen++ * step) / gridRate }))
          .filter(({ time }) => time < length);
        if (frames.length > 0) yield { frames };
      }
    }
    const { exitCode, log } = await running.end();
    if (failures.length > 0) throw failures[0];
    const named = withoutName(log, path);
    if (exitCode !== 0 || (heard === 0 && seen === 0 && errorTexts(named).length > 0)) {
      const why = /mp4/.test(pipe?.facts.format ?? "")
        ? "its index comes at its end: fragment it, or give the file"
        : undefined;
      throw withLastLines(mediaError(path, "undecodable", why ?? lastError(named)), log);
    }
  } finally {
    running.stop();
    pipe?.release();
  }
}

async function lookAtFile(
  ffmpeg: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly facts: Facts; readonly beginning: Beginning }> {
  const run = <T>(job: Parameters<typeof runAlone<T>>[1]) => runAlone<T>(ffmpeg, job, usualTimeout);
  const { facts, container } = await lookAt(path, { start: 0, seconds: 30 }, run, signal);
  return { facts, beginning: beginningOf(facts, 0, container.kind === "transport") };
}
