import type { ClipGrids, ClipView } from "@kdc-mae/core";
import { audioGrid, visualGrid } from "@kdc-mae/core";
import { publishedAudio } from "@kdc-mae/data";
import type { ModelFacts } from "../lab/model-work.js";
import type { Seeing, SeenClip } from "../media/worker.js";

/** What is needed of a model to see a clip as it does. */
export type Eyes = {
  readonly grids: ClipGrids;
  readonly statistics: { readonly mean: number; readonly std: number; readonly sampleRate?: number };
};

/** Without a model, the published sizes. */
export const publishedEyes: Eyes = {
  grids: { audio: audioGrid(1024, 128, 16), visual: visualGrid(224, 16) },
  statistics: { mean: publishedAudio.mean, std: publishedAudio.std },
};

/** How a clip is read for these grids; the same numbers as the command line's front end. */
export function seeingOf({ grids, statistics }: Eyes): Seeing {
  const { frameLengthMs, frameShiftMs, sampleRate } = publishedAudio;
  return {
    logMel: {
      sampleRate: statistics.sampleRate ?? sampleRate,
      melBins: grids.audio.rows * grids.audio.patch,
      ...{ frameLengthMs, frameShiftMs },
    },
    seconds: (grids.audio.columns * grids.audio.patch * frameShiftMs) / 1000,
    size: grids.visual.rows * grids.visual.patch,
    pictures: 10,
  };
}

/** A value that tells whoever looks at it. */
export type Watched<T> = {
  readonly value: T;
  set(value: T): void;
  watch(look: (value: T) => void): void;
};

export function watched<T>(value: T): Watched<T> {
  const looks: ((value: T) => void)[] = [];
  return {
    get value() {
      return value;
    },
    set(next) {
      value = next;
      for (const look of looks) look(next);
    },
    watch(look) {
      looks.push(look);
    },
  };
}

/** A film as a player plays it, beside what a model sees of it; films are counted as they are opened. */
export type PageClip = { readonly film: number; readonly seen: SeenClip; readonly address?: string };

/** What the parts of the page share. */
export const shared = {
  eyes: watched<Eyes>(publishedEyes),
  clip: watched<PageClip | undefined>(undefined),
  model: watched<{ readonly file: string; readonly facts: ModelFacts } | undefined>(undefined),
  /** Losses of the runs on this page by their names, step by step. */
  losses: new Map<string, [step: number, total: number][]>(),
  /** Which of the clip's frames is masked. */
  frame: watched(0),
  views: watched<readonly ClipView[]>([]),
};

/** What tells later whether the clip, and who looks at it, are still those of now: what is made of others is not shown. */
export function asItIsNow(): () => boolean {
  const film = () => shared.clip.value?.film;
  const [clip, eyes] = [film(), shared.eyes.value];
  return () => clip === film() && eyes === shared.eyes.value;
}
