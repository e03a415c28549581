import { createRng } from "@kdc-mae/core";
import { type BootstrapOptions, type Interval, jackknife } from "../bootstrap.js";
import { chanceAveragePrecision } from "../classification/chance.js";
import { type Ranked, rank } from "../classification/ranked.js";
import { fewerThan } from "../recordings.js";

/** Figures of one detector. */
export type DetectionScores = {
  readonly averagePrecision: number;
  /** Best F1 over all thresholds. */
  readonly maxF1: number;
  readonly intervals: Readonly<Record<"averagePrecision" | "maxF1", Interval>>;
};

/** How well the confidence tells maps with a visible source from maps without one. */
export type Detection = {
  readonly positives: number;
  readonly negatives: number;
  /** Recordings that the clips are parts of, where those are fewer. */
  readonly recordings?: number;
  /** A hit is a map that has a visible source. */
  readonly presence: DetectionScores;
  /** A hit has a visible source and is shown at cIoU ≥ 0.5; recall still counts every visible source. */
  readonly located: DetectionScores;
  /** What a random confidence scores on average; `located` with random maps as well. */
  readonly chance: Readonly<Record<"presence" | "located", Readonly<Record<"averagePrecision" | "maxF1", number>>>>;
};

/** One map: how sure the model is, and how well it and a random map point; no overlaps without a visible source. */
export type Sighting = {
  readonly confidence: number;
  readonly overlaps: { readonly model: number; readonly random: number } | undefined;
};

/**
 * Both figures from one pass over the maps, highest confidence first, each counted as often as its clip.
 * AP's recall counts all positives, also those that are no hits; F1 is the best over all thresholds,
 * 2·TP / (said + positives). Both are NaN where no map has a visible source, or all have: there is nothing to tell apart.
 */
function figuresOf({ order, groupEnds, positive: hit }: Ranked, visible: Uint8Array, times: Int32Array) {
  let [positives, all] = [0, 0];
  for (let map = 0; map < visible.length; map++) {
    positives += visible[map] * times[map];
    all += times[map];
  }
  if (positives === 0 || positives === all) return { averagePrecision: Number.NaN, maxF1: Number.NaN };
  let [right, said, sum, maxF1, place] = [0, 0, 0, 0, 0];
  for (const end of groupEnds) {
    const before = right;
    for (; place < end; place++) {
      const map = order[place];
      said += times[map];
      right += hit[map] * times[map];
    }
    if (said === 0) continue;
    sum += ((right - before) * right) / said;
    maxF1 = Math.max(maxF1, (2 * right) / (said + positives));
  }
  return { averagePrecision: sum / positives, maxF1 };
}

type Task = "presence" | "located";
const isHit = { presence: () => true, located: (overlap: number) => overlap >= 0.5 };

/** Maps by their confidence, each a hit or none, and which have a visible source. */
const ranking = (maps: readonly Sighting[], isHit: (overlap: number) => boolean) => ({
  visible: Uint8Array.from(maps, ({ overlaps }) => (overlaps === undefined ? 0 : 1)),
  ranked: rank(
    maps.map(({ confidence }) => confidence),
    maps.map(({ overlaps }) => (overlaps !== undefined && isHit(overlaps.model) ? 1 : 0)),
  ),
});

/** Both figures of one task over the maps of some clips, of which some have a visible source and some have none, with intervals. */
export function sightingScores(
  clips: readonly (readonly Sighting[])[],
  task: Task,
  options?: BootstrapOptions,
): DetectionScores {
  const maps = clips.flat();
  const clipOf = Int32Array.from(clips.flatMap((own, clip) => own.map(() => clip)));
  const { visible, ranked } = ranking(maps, isHit[task]);
  const once = figuresOf(ranked, visible, new Int32Array(maps.length).fill(1));
  // A clip drawn again brings all of its maps: those of one clip are no independent sightings.
  const times = new Int32Array(maps.length);
  const again = (counts: Int32Array) => {
    for (let map = 0; map < times.length; map++) times[map] = counts[clipOf[map]];
    return figuresOf(ranked, visible, times);
  };
  return { ...once, intervals: jackknife(clips.length, again, options) };
}

/** Both figures of one task over the maps of some clips; NaN where none has a visible source, or all have. */
export function sightingFigures(clips: readonly (readonly Sighting[])[], task: Task) {
  const maps = clips.flat();
  const { visible, ranked } = ranking(maps, isHit[task]);
  return figuresOf(ranked, visible, new Int32Array(maps.length).fill(1));
}

/** Means over random orders of `total` maps of which `positives` have a visible source and `hits` are hits. */
function chanceOf(hits: number, positives: number, total: number) {
  const rng = createRng("chance of detection");
  const visible = new Uint8Array(total).fill(1, 0, positives);
  const positive = new Uint8Array(total).fill(1, 0, hits);
  const groupEnds = Int32Array.from({ length: total }, (_, place) => place + 1);
  const once = new Int32Array(total).fill(1);
  const draws = 200;
  let maxF1 = 0;
  for (let draw = 0; draw < draws; draw++) {
    maxF1 += figuresOf({ order: rng.permutation(total), groupEnds, positive }, visible, once).maxF1 / draws;
  }
  return { averagePrecision: (chanceAveragePrecision(hits, total) * hits) / positives, maxF1 };
}

/**
 * Average precision and the best F1 over all thresholds of the confidence, on maps with and without a visible source
 * (silent objects, off-screen sound). Undefined when either is missing, for then there is nothing to tell apart.
 *
 * @param clips each clip's maps; intervals resample clips
 */
export function detection(clips: readonly (readonly Sighting[])[], options?: BootstrapOptions): Detection | undefined {
  const shown = clips.flat().flatMap(({ overlaps }) => (overlaps === undefined ? [] : [overlaps]));
  const total = clips.flat().length;
  const positives = shown.length;
  if (positives === 0 || positives === total) return undefined;
  const randomHits = shown.filter(({ random }) => isHit.located(random)).length;
  return {
    positives,
    negatives: total - positives,
    ...fewerThan(clips.length, options?.recordings),
    presence: sightingScores(clips, "presence", options),
    located: sightingScores(clips, "located", options),
    chance: { presence: chanceOf(positives, positives, total), located: chanceOf(randomHits, positives, total) },
  };
}
