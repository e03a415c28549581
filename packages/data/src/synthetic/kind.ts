import type { Rng } from "@kdc-mae/core";
import type { Paint } from "./picture/paint.js";
import type { Stroke } from "./sound/stroke.js";

/** What a voice is told besides its strokes: pitch in Hz, rate in Hz, and four free numbers in [0, 1) that colour the timbre. */
export type Voice = {
  readonly pitch: number;
  readonly sampleRate: number;
  readonly detail: readonly [number, number, number, number];
  readonly rng: Rng;
};

/** One kind of sounding object: how it looks, when it sounds, and how it sounds. */
export type Kind = {
  readonly name: string;
  /** Ink of every point of the object, in its own frame. */
  readonly paint: Paint;
  /** Middle of the range its pitch is drawn from, Hz. */
  readonly pitch: number;
  /** When it sounds within `seconds`, beginning at a random onset. */
  readonly rhythm: (rng: Rng, seconds: number) => readonly Stroke[];
  /** Adds the sound of all strokes to `samples`, in no particular loudness. */
  readonly sing: (samples: Float32Array, strokes: readonly Stroke[], voice: Voice) => void;
};
