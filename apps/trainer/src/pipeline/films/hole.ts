import {
  type Box,
  type ClipView,
  countPatches,
  KdcError,
  type PatchGrid,
  type Positions,
  type Rng,
} from "@kdc-mae/core";
import { boxAfterFit } from "@kdc-mae/eval";
import { randomViews, structuredViews } from "@kdc-mae/masking";
import type { ModelConfig } from "@kdc-mae/model";

/** How a share is hidden: patches at random, whole moments of the sound, whole bands of it, or blocks of both. */
export const structures = ["random", "time", "frequency", "time-frequency"] as const;

/** What is hidden from a model. */
export type Hole = {
  /** Share of the patches of sound and picture (0.75 unless given, where neither time nor rectangle are). */
  readonly share?: number;
  readonly structure?: (typeof structures)[number];
  /** The sound between two times, seconds into the film; the picture is seen. */
  readonly time?: readonly [from: number, to: number];
  /** A part of the picture, pixels of the film as it is shown; the sound is heard, unless a time is given, too. */
  readonly rectangle?: Box;
};

const refuse = (what: string, remedy: string, reason = "usage"): never => {
  throw new KdcError({ where: "what is hidden", what, remedy, reason });
};

/** What modalities a hole is in. */
export const holesIn = ({ time, rectangle }: Hole): readonly ("audio" | "visual")[] =>
  time === undefined && rectangle === undefined
    ? ["audio", "visual"]
    : [...(time === undefined ? [] : (["audio"] as const)), ...(rectangle === undefined ? [] : (["visual"] as const))];

/** @throws KdcError (`usage`) for a hole that cannot be */
export function checkHole({ share, structure, time, rectangle }: Hole): void {
  const drawn = share !== undefined || structure !== undefined;
  if (drawn && (time !== undefined || rectangle !== undefined)) {
    refuse("a share was given together with a time or a rectangle", "Give one or the other");
  }
  if (share !== undefined && !(share > 0 && share < 1)) refuse(`the share is ${share}`, "Give one between 0 and 1");
  if (time !== undefined && !(time[0] >= 0 && time[1] > time[0])) {
    refuse(`the time is from ${time[0]} to ${time[1]} s`, "Give two times of which the second is later: 2.5-3.5");
  }
  if (rectangle !== undefined && !(rectangle.width > 0 && rectangle.height > 0)) {
    refuse("the rectangle has no size", "Give its left and top edge, width and height in pixels: 40,20,64,48");
  }
}

/** In a few words. */
export const holeInWords = ({ share = 0.75, structure = "random", time, rectangle }: Hole): string => {
  if (time === undefined && rectangle === undefined) return `${Math.round(100 * share)} % hidden, ${structure}`;
  const sound = time === undefined ? [] : [`sound from ${time[0]} to ${time[1]} s`];
  const { x, y, width, height } = rectangle ?? { x: 0, y: 0, width: 0, height: 0 };
  return [...sound, ...(rectangle === undefined ? [] : [`picture at ${x},${y}, ${width} × ${height}`])].join(" and ");
};

/** Where a window has to begin, seconds in steps of 0.01, for a time to lie in its middle, as far as the film goes. @throws KdcError for one too long */
export function windowAround([from, to]: readonly [number, number], seconds: number, duration: number): number {
  if (from >= duration) refuse(`the film lasts ${duration.toFixed(2)} s`, "Give an earlier time", "too-short");
  const length = Math.min(to, duration) - from;
  if (length > 0.9 * Math.min(seconds, duration)) {
    const most = (0.9 * Math.min(seconds, duration)).toFixed(2);
    refuse(
      `${length.toFixed(2)} s are more than can be filled from what is around`,
      `Hide at most ${most} s`,
      "too-large",
    );
  }
  const start = Math.max(0, Math.min(duration - seconds, (from + to) / 2 - seconds / 2));
  return Math.floor(100 * start + 1e-6) / 100;
}

const positions = (grid: PatchGrid, isHidden: (row: number, column: number) => boolean): Positions => {
  const all = Int32Array.from({ length: countPatches(grid) }, (_, place) => place);
  const hides = (place: number) => isHidden(Math.floor(place / grid.columns), place % grid.columns);
  return { visible: all.filter((place) => !hides(place)), hidden: all.filter(hides) };
};

/** Which window of which film a view is of. */
type Place = {
  readonly config: Pick<ModelConfig, "audio" | "visual">;
  /** Seconds into the film, and how much a window's spectrogram covers. */
  readonly start: number;
  readonly seconds: number;
  readonly size: { readonly width: number; readonly height: number };
  /** Draws what is drawn. */
  readonly rng: Rng;
};

/**
 * What a model sees of a window that has a hole.
 *
 * @throws KdcError (`hole`) where nothing of a modality would be seen, or the rectangle lies beside what the model sees
 */
export function viewThrough(hole: Hole, { config, start, seconds, size, rng }: Place): ClipView {
  const { share: ratio = 0.75, structure = "random", time, rectangle } = hole;
  const { audio, visual } = config;
  if (time === undefined && rectangle === undefined) {
    const masker =
      structure === "random" ? randomViews({ views: 1, ratio }) : structuredViews({ axis: structure, views: 1, ratio });
    return masker(config, rng)[0];
  }
  const column = seconds / audio.columns;
  const silent = (at: number) =>
    time !== undefined && start + (at + 1) * column > time[0] + 1e-6 && start + at * column < time[1] - 1e-6;
  const side = visual.rows * visual.patch;
  const box = rectangle && boxAfterFit(rectangle, size, side);
  if (rectangle !== undefined && box === undefined) {
    refuse(
      "the rectangle lies beside the square in the middle of the picture, which the model sees",
      "Move it",
      "hole",
    );
  }
  const covered = (row: number, at: number) =>
    box !== undefined &&
    (at + 1) * visual.patch > box.x &&
    at * visual.patch < box.x + box.width &&
    (row + 1) * visual.patch > box.y &&
    row * visual.patch < box.y + box.height;
  const view = { audio: positions(audio, (_, at) => silent(at)), visual: positions(visual, covered) };
  if (view.visual.visible.length === 0)
    refuse("the rectangle hides the whole picture", "Leave some of it to see", "hole");
  if (view.audio.visible.length === 0) refuse("the time hides the whole sound", "Leave some of it to hear", "hole");
  return view;
}
