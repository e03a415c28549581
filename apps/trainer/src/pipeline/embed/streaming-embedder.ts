import { type Frame, KdcError, type Waveform } from "@kdc-mae/core";
import {
  audioPatches,
  createLogMelStream,
  createResampler,
  fit,
  planWindows,
  type Resampler,
  visualPatches,
} from "@kdc-mae/data";
import type { Execute } from "@kdc-mae/engine";
import { clipFormFor, frontEndOf } from "../corpus/clip-form.js";
import { type Cut, nearestTo, type PlainFrame, rgb } from "./cut-stretch.js";
import { createWindowProgram, type StreamingModel, type WindowResult } from "./streamed-program.js";

export type { StreamingModel, WindowResult } from "./streamed-program.js";

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

/** One window of a stream, as the model sees it. */
export type StreamMoment = WindowResult & {
  /** Counted from 0 over all windows, those that were left out too. */
  readonly index: number;
  /** Seconds on the stream's clock. */
  readonly start: number;
  readonly end: number;
  /** When the picture that was looked at was taken. */
  readonly picture?: number;
  /** Windows since the last moment that were left out, because later sound and pictures came before the model was free. */
  readonly leftOut: number;
};

/** How a stream is looked at. */
export type StreamingOptions = {
  /** What computes: `compiled()` of `@kdc-mae/engine/node` or `@kdc-mae/engine/web`, or `eager("cpu")`. */
  readonly execute: Execute;
  /** Length of a window, seconds: a multiple of 0.01, no more than the model's own, which is taken by default. */
  readonly window?: number;
  /** From one window to the next, seconds: a multiple of 0.01; half a second by default. */
  readonly hop?: number;
  /** Where in a window its picture is taken, 0 (beginning) to 1 (end): the middle (0.5) unless given, as of a film. */
  readonly pictureAt?: number;
  /** One of the two alone is looked at. */
  readonly only?: "sound" | "pictures";
  /** Heat maps are made where there are sound and picture. */
  readonly heat?: boolean;
  /** How long the stream goes on without sound, or without pictures, before they are no longer waited for: seconds of it, 1 unless given. */
  readonly patience?: number;
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

type Job = Pick<StreamMoment, "index" | "start" | "end" | "picture"> & {
  /** Undefined once it is left out. */
  cut: Cut | undefined;
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
  expectOptions({ window, pictureAt, patience }, form.seconds);
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

  const cutWindow = (index: number, start: number, end: number, isLast: boolean): Job => {
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
  const due = (): Job[] => {
    const jobs: Job[] = [];
    for (;;) {
      const window = plan.at(next, Number.POSITIVE_INFINITY)!;
      // Without sound one may have all that will come of it before it is over; whether it is the last is known of a file.
      const isBeyond = ended.has("sound") && heard() === 0 && window.end > known + 1e-6;
      if (isBeyond || !isDue(window)) return jobs;
      jobs.push(cutWindow(next++, window.start, window.end, false));
    }
  };

  let [waiting, leftOut]: [Job[], number] = [[], 0];
  let before: Promise<unknown> = Promise.resolve();
  const computed = (jobs: readonly Job[]): Promise<readonly StreamMoment[]> => {
    if (jobs.length > 0) {
      for (const job of waiting) job.cut = undefined;
      waiting = [...jobs];
    }
    const made = before.then(async () => {
      const moments: StreamMoment[] = [];
      for (const job of jobs) {
        const { cut, ...span } = job;
        waiting = waiting.filter((other) => other !== job);
        // Nothing reaches a window: there is none.
        if (cut !== undefined && !cut.audio && !cut.visual) continue;
        if (cut === undefined) leftOut++;
        else {
          const result = await program.run(cut, (span.picture ?? span.start) - span.start);
          moments.push({ ...span, ...result, leftOut });
          leftOut = 0;
        }
      }
      return moments;
    });
    before = made.catch(() => undefined);
    return made;
  };

  const add: StreamingEmbedder["add"] = async ({ sound, frames: given = [], ended: over, until }) => {
    known = until ?? known;
    if (sound && only === "pictures") throw notAsked("sound", only);
    if (given.length > 0 && only === "sound") throw notAsked("pictures", only);
    const jobs: Job[] = [];
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
    return computed(jobs);
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
    return computed(jobs);
  };

  return {
    ...{ window, hop: plan.hop, add, end },
    async *over(parts) {
      for await (const part of parts) yield* await add(part);
      yield* await end();
    },
    dispose: async () => {
      await before;
      await program.dispose();
    },
  };
}

const refuse = (what: string, remedy: string, reason: string) =>
  new KdcError({ where: "streaming embedder", what, remedy, reason });

function expectOptions(
  { window, pictureAt, patience }: { window: number; pictureAt: number; patience: number },
  most: number,
): void {
  if (window > most + 1e-9) {
    throw refuse(
      `windows of ${window} s are longer than what the model hears at a time, ${most} s`,
      `Give at most ${most}`,
      "option",
    );
  }
  if (!(pictureAt >= 0 && pictureAt <= 1)) {
    throw refuse(
      `pictureAt is ${pictureAt}, which is not a place in a window`,
      "Give 0 (its beginning) to 1 (its end)",
      "option",
    );
  }
  if (!(patience >= 0)) throw refuse(`patience is ${patience} s`, "Give seconds, 0 or more", "option");
}

const changed = (before: number, now: number) =>
  refuse(`sound of ${now} Hz follows sound of ${before} Hz`, "Give all of it at one rate", "sample-rate");
const outOfOrder = (time: number, seen: number) =>
  refuse(`a picture at ${time} s follows one at ${seen} s`, "Give pictures in the order of their times", "order");
const notAsked = (what: string, only: string) =>
  refuse(`${what} came, and only ${only} is used`, "Leave `only` out, or give that alone", "usage");
