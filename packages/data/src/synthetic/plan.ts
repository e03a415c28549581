import type { Rng } from "@kdc-mae/core";
import { findKind } from "./find-kind.js";
import { allKinds } from "./kinds/index.js";
import { drawPalette } from "./picture/colour.js";
import type { Cover } from "./picture/sprite.js";
import { patternCount } from "./picture/texture.js";
import { between, type Stroke } from "./sound/stroke.js";

/** What all clips of a set have in common. Sizes and places are shares of the picture's side. */
export type SyntheticOptions = {
  /** Side of the square picture, pixels; even, as video asks. */
  readonly size: number;
  /** Pictures per second. */
  readonly frameRate: number;
  /** Length of a clip, seconds. */
  readonly seconds: number;
  /** Samples per second, Hz. */
  readonly sampleRate: number;
  /** Share of clips with a silent object of another kind. */
  readonly distractorShare: number;
  /** Smallest and largest side of the sounding object. */
  readonly objectSize: readonly [number, number];
  /** Smallest and largest side of the silent object. */
  readonly distractorSize: readonly [number, number];
  /** Fewest and most small things in the background. */
  readonly clutter: readonly [number, number];
  /** Noise added to the sound, dB below it: quietest and loudest. */
  readonly noise: readonly [number, number];
  /**
   * Things seen and heard one after another in a clip, an odd number: the middle one is what the clip is of. 1 unless
   * given.
   */
  readonly acts?: number;
  /** Of several acts: how long the middle one lasts at least and at most, shares of the clip, at least a fifth. */
  readonly middle?: readonly [number, number];
};

/** The options of the demo set. */
export const defaultOptions: SyntheticOptions = {
  size: 96,
  frameRate: 5,
  seconds: 2,
  sampleRate: 16000,
  distractorShare: 0.4,
  objectSize: [0.48, 0.74],
  distractorSize: [0.22, 0.34],
  clutter: [6, 16],
  noise: [-30, -22],
};

/** One object of a clip at rest; lengths and places are shares of the picture's side, angles radians. */
export type PlannedObject = {
  readonly kind: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly turn: number;
  readonly mirror: number;
  readonly cover: Cover;
  /** Direction (radians) and reach (share of its size) of its shaking. */
  readonly shake: readonly [direction: number, reach: number];
  /** How fast it moves: radians per second of its moving part at full activity; for a silent object, of its drift. */
  readonly speed: number;
  /** Phase of its motion at the beginning, radians. */
  readonly phase: number;
};

/** Everything a clip is made of, as plain data: the same plan always gives the same pixels and samples. */
export type SyntheticClipPlan = {
  readonly options: SyntheticOptions;
  readonly sounding: PlannedObject;
  readonly distractor?: PlannedObject;
  readonly strokes: readonly Stroke[];
  /** Pitch, Hz: lower for bigger objects. */
  readonly pitch: number;
  readonly detail: readonly [number, number, number, number];
  /** Root mean square of the sound, dB below full scale. */
  readonly loudness: number;
  /** Level of the added noise, dB below the sound, and its tilt from white (0) to dull (1). */
  readonly noise: readonly [level: number, tilt: number];
  readonly clutter: number;
  /** Names of the streams that texture the background and the sound. */
  readonly streams: { readonly picture: number; readonly sound: number };
  /** Where other things are seen and heard before and after: all stretches of the clip in order, the middle one without `plan`. */
  readonly acts?: readonly Act[];
};

/** A stretch of a clip, seconds, and what is seen and heard in it; without `plan` what the clip itself is of. */
export type Act = { readonly from: number; readonly to: number; readonly plan?: SyntheticClipPlan };

/** A middle between the two edges at which a share `beyond` of the object may lie outside. */
function drawPlace(rng: Rng, length: number, beyond: number): number {
  const slack = (0.5 - beyond) * length;
  return between(rng, slack, 1 - slack);
}

function drawObject(rng: Rng, kind: string, side: number, beyond: number): PlannedObject {
  const aspect = 2 ** between(rng, -0.25, 0.25);
  const width = side * Math.sqrt(aspect);
  const height = side / Math.sqrt(aspect);
  return {
    kind,
    width,
    height,
    x: drawPlace(rng, width, beyond),
    y: drawPlace(rng, height, beyond),
    turn: between(rng, -0.22, 0.22),
    mirror: rng.uniform() < 0.5 ? -1 : 1,
    cover: {
      palette: drawPalette(rng),
      texture: {
        pattern: rng.integer(patternCount),
        fineness: between(rng, 4, 12),
        strength: between(rng, 0.05, 0.3),
        phase: between(rng, 0, 2 * Math.PI),
      },
    },
    shake: [between(rng, 0, 2 * Math.PI), between(rng, 0.02, 0.05)],
    speed: between(rng, 8, 16),
    phase: between(rng, 0, 2 * Math.PI),
  };
}

/** Overlap of two objects as a share of the second one's area. */
function overlap(a: PlannedObject, b: PlannedObject): number {
  const across = Math.min(a.x + a.width / 2, b.x + b.width / 2) - Math.max(a.x - a.width / 2, b.x - b.width / 2);
  const down = Math.min(a.y + a.height / 2, b.y + b.height / 2) - Math.max(a.y - a.height / 2, b.y - b.height / 2);
  return (Math.max(0, across) * Math.max(0, down)) / (b.width * b.height);
}

/** A silent object of one of the other kinds where the sounding one hides it least, out of a few tries. */
function drawDistractor(
  rng: Rng,
  options: SyntheticOptions,
  sounding: PlannedObject,
  others: readonly string[],
): PlannedObject {
  const name = others[rng.integer(others.length)];
  const side = between(rng, ...options.distractorSize);
  const tries = Array.from({ length: 12 }, (_, index) => drawObject(rng.fork(index), name, side, 0));
  return tries.reduce((best, next) => (overlap(sounding, next) < overlap(sounding, best) ? next : best));
}

/** Names of the kinds that are not among those. */
export const kindsBut = (taken: readonly string[]): string[] =>
  allKinds.map(({ name }) => name).filter((name) => !taken.includes(name));

/** What is seen and heard in a clip, or in one act of it; a silent object is of one of `others`. */
export function describeAct(
  rng: Rng,
  options: SyntheticOptions,
  name: string,
  others: readonly string[] = kindsBut([name]),
): SyntheticClipPlan {
  const { pitch, rhythm } = findKind(name);
  const place = rng.fork("place");
  const voice = rng.fork("voice");
  const [smallest, largest] = options.objectSize;
  const side = between(place, smallest, largest);
  const sounding = drawObject(place, name, side, 0.12);
  const smallness = (largest - side) / (largest - smallest || 1) - 0.5;
  const another = rng.fork("distractor");
  const detail = () => voice.uniform();
  return {
    options,
    sounding,
    distractor:
      another.uniform() < options.distractorShare ? drawDistractor(another, options, sounding, others) : undefined,
    pitch: pitch * 2 ** (1.2 * smallness + 0.08 * voice.normal()),
    detail: [detail(), detail(), detail(), detail()],
    loudness: between(voice, -28, -20),
    noise: [between(voice, ...options.noise), voice.uniform()],
    strokes: rhythm(rng.fork("rhythm"), options.seconds),
    clutter: Math.round(between(place, ...options.clutter)),
    streams: { picture: place.uint32(), sound: voice.uint32() },
  };
}
