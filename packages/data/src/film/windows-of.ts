import { type Frame, KdcError, type Waveform } from "@kdc-mae/core";
import { planWindows, type WindowChoice, type WindowSpan } from "./plan-windows.js";

/** A recording in memory: sound, pictures with their times in seconds from its beginning, or both. */
export type RecordingParts<Picture extends Pick<Frame, "time"> = Frame> = {
  readonly sound?: Waveform;
  readonly frames?: readonly Picture[];
  /** Seconds; by default, to the end of the sound, or of the last picture. */
  readonly seconds?: number;
};

/**
 * The windows of a recording in memory, as `readWindows` gives those of a file: each with the sound from its start to its
 * end and the pictures that were taken in between, with their times from its start. Windows that neither reaches are
 * not among them.
 *
 * @throws KdcError (`option`) for lengths that are no multiples of 0.01 s, (`zero-length`) for nothing at all
 */
export function* windowsOf<Picture extends Pick<Frame, "time">>(
  { sound, frames = [], seconds }: RecordingParts<Picture>,
  choice: Omit<WindowChoice, "pictures">,
): Generator<WindowSpan & { readonly sound?: Waveform; readonly frames?: readonly Picture[] }> {
  const heard = sound ? sound.samples.length / sound.sampleRate : 0;
  const to = seconds ?? Math.max(heard, ...frames.map(({ time }) => time));
  if (!(to > 0)) {
    throw new KdcError({
      where: "windowsOf",
      what: "the recording has no length",
      remedy: "Give sound, pictures with their times, or its seconds; a single picture needs no windows",
      reason: "zero-length",
    });
  }
  const plan = planWindows(0, choice);
  for (let index = 0; ; index++) {
    const window = plan.at(index, to);
    if (!window) return;
    const { start, end } = window;
    const at = (time: number) => Math.round(time * sound!.sampleRate);
    const samples = sound?.samples.slice(at(start), at(end)) ?? new Float32Array(0);
    // The last one has the little that is left after it, too.
    const until = plan.at(index + 1, to) ? end : Number.POSITIVE_INFINITY;
    const seen = frames.filter(({ time }) => time >= start && time < until);
    if (samples.length === 0 && seen.length === 0) continue;
    yield {
      ...window,
      ...(sound && samples.length > 0 ? { sound: { samples, sampleRate: sound.sampleRate } } : {}),
      ...(seen.length > 0 ? { frames: seen.map((frame) => ({ ...frame, time: frame.time - start })) } : {}),
    };
  }
}
