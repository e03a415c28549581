import type { Frame, Waveform } from "@kdc-mae/core";
import {
  audioPatches,
  createLogMelStream,
  createResampler,
  fit,
  planWindows,
  type Resampler,
  visualPatches,
} from "@kdc-mae/data";
import { clipFormFor, frontEndOf } from "../corpus/clip-form.js";
import { nearestTo, type PlainFrame, rgb } from "./cut-stretch.js";
import { createWindowProgram, type StreamingModel } from "./streamed-program.js";
import { expectStreamable, refuse, type StreamingOptions } from "./streaming-options.js";
import { computeInTurn, type StreamMoment, type WindowJob } from "./windows-in-turn.js";

export type { StreamingModel, WindowResult } from "./streamed-program.js";
export type { StreamingOptions } from "./streaming-options.js";
export type { StreamMoment } from "./windows-in-turn.js";

/** What comes next of a stream: sound that goes on from the last, pictures in the order of their times, or both. */
export type StreamPart = {
  /** Mono, at any rate, which stays. The stream's clock begins with its first sample. */
  readonly sound?: Waveform;
  /** Each with its time on that clock, seconds. */
  readonly frames?: readonly (PlainFrame & { readonly time: number })[];
  /** No more of one of the two will come: nobody waits for it. */
  readonly ended?: "sound" | "pictures";
  /** When the stream ends, seconds, where that is known before it does, as of a file: without sound no window ends after it. */
  readonly until?: number;
};

/** A model made ready to follow a stream. */
export type StreamingEmbedder = {
  /** Length of a window and from one to the next, seconds. */
  readonly window: number;
  readonly hop: number;
  /**
   * Takes what has come and gives the windows that it completes. Whoever waits for it before giving more gets every
   * window. Whoever does not (a microphone waits for nobody) gets, of the windows that are complete before the model is
   * free, the newest; the others are counted in `leftOut`, so that the delay stays within two computations.
   *
   * @throws KdcError (`shape`, `order`, `sample-rate`, `usage`) for what cannot be taken
   */
  add(part: StreamPart): Promise<readonly StreamMoment[]>;
  /** The stream has ended: gives what is left of it; the last window is moved back so that it is whole. */
  end(): Promise<readonly StreamMoment[]>;
  /** All windows of parts that are waited for. */
  over(parts: AsyncIterable<StreamPart> | Iterable<StreamPart>): AsyncGenerator<StreamMoment>;
  /** Disposes of the model’s programs. */
  dispose(): Promise<void>;
};

/** Most sound that is taken in before windows are looked for, seconds: what is held stays small whatever a part's size. */
const atOnce = 1;

/**
 * Makes a model follow sound and pictures as they come, in Node and in browsers alike. Each analysis frame of sound is
 * made once, when its last sample is there; a window is computed as soon as its sound has come and its picture has. What
 * is held is a window's sound and pictures, however long the stream.
 *
 * A moment is what `createEmbedder` gives for the same stretch of the recording, `classify` for its classes, and
 * `localize` for its heat. Sound of another rate is resampled as one, as that of a film is.
 *
 * @throws KdcError (`option`) for a window longer than the model's own, or times that are no multiples of 0.01 s
 *
 * @example
 * ```ts
 * import type { Waveform } from "@kdc-mae/core";
 * import { compiled } from "@kdc-mae/engine/node";
 * import { createStreamingEmbedder, type StreamingModel } from "@kdc-mae/trainer/embedder";
 *
 * const listen = async (model: StreamingModel, microphone: AsyncIterable<Waveform>) => {
 *   const stream = createStreamingEmbedder(model, { execute: compiled(), hop: 0.25, only: "sound" });
 *   for await (const sound of microphone) {
 *     void stream.add({ sound }).then((moments) => moments.forEach(({ end, audio }) => console.log(end, audio)));
 *   }
 *   await stream.dispose();
 * };
 * ```
 */
export function createStreamingEmbedder(model: StreamingModel, options: StreamingOptions): StreamingEmbedder {
  const { execute, hop = 0.5, pictureAt = 0.5, only, heat = false, patience = 1 } = options;
  const { config, statistics } = model;
  const form = clipFormFor(config, 1, statistics.sampleRate);
  const { audio, visual } = frontEndOf(form, statistics);
  const { window = form.seconds } = options;
  expectStreamable({ window, pictureAt, patience }, form.seconds);
  const plan = planWindows(0, { window, hop });
  const program = createWindowProgram(model, execute, heat);

  const log = createLogMelStream(audio);
  const shortest = Math.floor((audio.sampleRate * audio.frameLengthMs) / 1000);
  let resampler: { readonly rate: number; readonly through: Resampler } | undefined;
  let frames: Frame[] = [];
  let seen = Number.NEGATIVE_INFINITY;
  const ended = new Set<"sound" | "pictures">(only === "sound" ? ["pictures"] : only === "pictures" ? ["sound"] : []);
  let next = 0;
  let known = Number.POSITIVE_INFINITY;

  const heard = () => log.end / audio.sampleRate;
  const sampleAt = (time: number) => Math.round(time * audio.sampleRate);
  const pictureOf = ({ start, end }: { readonly start: number; readonly end: number }) =>
    start + pictureAt * (end - start);

  const takeSound = ({ samples, sampleRate }: Waveform): void => {
    if (resampler !== undefined && resampler.rate !== sampleRate) throw changed(resampler.rate, sampleRate);
    resampler ??= { rate: sampleRate, through: createResampler(sampleRate, audio.sampleRate) };
    log.add(resampler.through.add(samples));
  };
  const takeFrame = (given: PlainFrame & { readonly time: number }): void => {
    if (!(given.time >= seen)) throw outOfOrder(given.time, seen);
    seen = given.time;
    frames.push(fit(rgb(given), visual.size));
  };

  /**
   * Whether a window has all that will come of it. Where there never was sound it is its picture that counts, not its
   * end; sound that has ended says nothing of how far the pictures go, and a window must not go beyond them.
   */
  const isDue = (window: { readonly start: number; readonly end: number }): boolean => {
    const reach = Math.max(heard(), seen);
    if (ended.has("sound") && ended.has("pictures")) return reach >= window.end;
    const over = ended.has("sound") && (heard() === 0 || reach >= window.end);
    const sound = over || log.end >= sampleAt(window.end);
    const picture = ended.has("pictures") || seen >= Math.min(pictureOf(window), window.end - 0.01);
    return (sound && picture) || reach >= window.end + patience;
  };

  /** Where the last window ends: with the sound, or what is known of the end, or what was seen last. */
  const endsAt = (): number =>
    heard() === 0 && known < Number.POSITIVE_INFINITY ? Math.min(known, seen + plan.hop) : Math.max(heard(), seen);

  const cutWindow = (index: number, start: number, end: number, isLast: boolean): WindowJob => {
    const [from, to] = [sampleAt(start), Math.min(log.end, sampleAt(end))];
    const sound = to - from >= shortest ? log.between(from, to) : undefined;
    const own = frames.filter(({ time }) => time >= start && (isLast || time < end));
    const picture = nearestTo(own, pictureOf({ start, end }));
    // The last window may be moved back, but not beyond the beginning of the one before it.
    log.drop(from);
    frames = frames.filter(({ time }) => time >= start);
    return {
      ...{ index, start, end },
      ...(picture ? { picture: picture.time } : {}),
      cut: {
        ...(sound ? { audio: audioPatches(sound, audio, config.audio) } : {}),
        ...(picture ? { visual: visualPatches(picture, visual.size, config.visual) } : {}),
      },
    };
  };
  const due = (): WindowJob[] => {
    const jobs: WindowJob[] = [];
    for (;;) {
      const window = plan.at(next, Number.POSITIVE_INFINITY)!;
      // Without sound one may have all that will come of it before it is over; whether it is the last is known of a file.
      const isBeyond = ended.has("sound") && heard() === 0 && window.end > known + 1e-6;
      if (isBeyond || !isDue(window)) return jobs;
      jobs.push(cutWindow(next++, window.start, window.end, false));
    }
  };

  const turns = computeInTurn(program);

  const add: StreamingEmbedder["add"] = async ({ sound, frames: given = [], ended: over, until }) => {
    known = until ?? known;
    if (sound && only === "pictures") throw notAsked("sound", only);
    if (given.length > 0 && only === "sound") throw notAsked("pictures", only);
    const jobs: WindowJob[] = [];
    for (const frame of given) {
      takeFrame(frame);
      jobs.push(...due());
    }
    const step = sound ? Math.max(1, Math.floor(atOnce * sound.sampleRate)) : 1;
    for (let at = 0; sound && at < sound.samples.length; at += step) {
      takeSound({ ...sound, samples: sound.samples.subarray(at, at + step) });
      jobs.push(...due());
    }
    if (over !== undefined) {
      if (over === "sound" && resampler) log.add(resampler.through.end());
      ended.add(over);
      jobs.push(...due());
    }
    return turns.compute(jobs);
  };
  const end: StreamingEmbedder["end"] = async () => {
    if (resampler && !ended.has("sound")) log.add(resampler.through.end());
    ended.add("sound").add("pictures");
    const jobs = due();
    const to = endsAt();
    for (;;) {
      const last = plan.at(next, to);
      if (!last) break;
      jobs.push(cutWindow(next++, last.start, last.end, plan.at(next, to) === undefined));
    }
    return turns.compute(jobs);
  };

  return {
    ...{ window, hop: plan.hop, add, end },
    async *over(parts) {
      for await (const part of parts) yield* await add(part);
      yield* await end();
    },
    dispose: async () => {
      await turns.done();
      await program.dispose();
    },
  };
}

const changed = (before: number, now: number) =>
  refuse(`sound of ${now} Hz follows sound of ${before} Hz`, "Give all of it at one rate", "sample-rate");
const outOfOrder = (time: number, seen: number) =>
  refuse(`a picture at ${time} s follows one at ${seen} s`, "Give pictures in the order of their times", "order");
const notAsked = (what: string, only: string) =>
  refuse(`${what} came, and only ${only} is used`, "Leave `only` out, or give that alone", "usage");
