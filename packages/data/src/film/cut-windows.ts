import type { Frame, Waveform } from "@kdc-mae/core";
import type { MediaWindow } from "./media-window.js";
import type { WindowPlan } from "./plan-windows.js";

/** A recording in memory. */
export type WholeFilm = {
  /** Where it begins and ends on its clock, seconds. */
  readonly from: number;
  readonly to: number;
  readonly sound?: Waveform | undefined;
  /** Seconds from the beginning that the sound begins late. */
  readonly late?: number;
  /** The pictures of each window; none for one that no picture reaches. */
  readonly framesOf?: ((index: number) => readonly Frame[] | undefined) | undefined;
};

/** The windows of a recording in memory that anything reaches. */
export function* cutWindows(plan: WindowPlan, film: WholeFilm, skip = 0): Generator<MediaWindow> {
  const { from, to, sound, late = 0, framesOf } = film;
  for (let index = skip; ; index++) {
    const window = plan.at(index, to);
    if (!window) return;
    const at = (time: number) => Math.round((time - from) * sound!.sampleRate);
    const samples =
      sound && window.end - from > late ? sound.samples.slice(at(window.start), at(window.end)) : undefined;
    const frames = framesOf?.(index);
    const made: MediaWindow = {
      ...window,
      ...(sound && samples && samples.length > 0 ? { sound: { samples, sampleRate: sound.sampleRate } } : {}),
      ...(frames && frames.length > 0 ? { frames } : {}),
    };
    if (made.sound || made.frames) yield made;
  }
}
