import type { ClipView } from "@kdc-mae/core";
import type { ModelFacts } from "../lab/model-work.js";
import { type Eyes, publishedEyes } from "../media/eyes.js";
import type { SeenClip } from "../media/worker.js";

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
