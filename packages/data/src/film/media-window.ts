import type { Frame, Waveform } from "@kdc-mae/core";
import type { WindowChoice, WindowSpan } from "./plan-windows.js";

/** One window of a film, a sound file or a still, with what there is of it. */
export type MediaWindow = WindowSpan & {
  /** The sound from `start` to `end`, or to where it ends; left out where none reaches the window. */
  readonly sound?: Waveform;
  /** Its pictures, with their times in seconds from `start`; left out where no picture reaches the window. */
  readonly frames?: readonly Frame[];
};

/** Which windows of a file are read, and in what form. */
export type WindowsRequest = WindowChoice & {
  /** Hz; sound comes as the mean of its channels at this rate. */
  readonly sampleRate: number;
  /** Shorter side in pixels, cut to the square in its middle. Left out: the size it is shown in. */
  readonly size?: number;
  /** One of the two alone is read. */
  readonly only?: "sound" | "pictures";
  /** So many windows are passed over at the beginning, as by somebody who has them already (0 by default). */
  readonly skip?: number;
  readonly signal?: AbortSignal;
  /** Told once how long the film is, seconds, where that is known. */
  readonly onLength?: (seconds: number) => void;
};
