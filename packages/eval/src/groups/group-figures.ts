import { createRng, KdcError } from "@kdc-mae/core";
import { type BootstrapOptions, bootstrap, type Interval } from "../bootstrap.js";
import { type Figure, figuresOf, type HeadResult, intervalSaid } from "../figures.js";
import { fewerThan, recordingNumbers } from "../recordings.js";
import { type Gap, gapBetween, membersOf } from "./by-group.js";
import { regroup } from "./regroup.js";

/** A figure in every group; `gap` is left out where fewer than two groups have it. */
export type GroupedFigure = Pick<Figure, "key" | "name" | "kind"> & {
  readonly groups: readonly {
    readonly group: string;
    /** Of the group, those that the figure is of. */
    readonly clips: number;
    /** Recordings they are parts of, where those are fewer. */
    readonly recordings?: number;
    readonly value: number | null;
    readonly interval?: Interval;
  }[];
  readonly gap?: Gap;
};

/** Every figure of a result by group, and the clips that are in none. */
export type GroupedFigures = {
  /** What groups are made by. */
  readonly by: string;
  readonly figures: readonly GroupedFigure[];
  /** Clips that took no part, by reason. */
  readonly leftOut: Readonly<Record<string, number>>;
};

/**
 * Every figure of a result in every group of its clips, with an interval over the group's clips, and the largest gap with
 * its permutation test. A retrieval's queries are grouped and its gallery stays whole; few shots resample the group's test
 * clips, not episodes. A p is of one figure: of twenty figures one is below 0.05 by chance.
 *
 * @param ids the evaluated clips in their order; a localization says its own
 * @param groupOf a clip's group; undefined where nothing says it
 * @param by what groups are made by, in words
 * @param options.recordingOf the recording a clip is a part of, where clips are parts of fewer: what is drawn and dealt as one
 * @throws KdcError (`groups`) where fewer than two groups have two clips or more
 */
export function groupFigures(
  made: HeadResult,
  ids: readonly string[],
  groupOf: (id: string) => string | undefined,
  by: string,
  options: {
    readonly permutations?: number;
    readonly intervals?: Omit<BootstrapOptions, "recordings">;
    readonly recordingOf?: (id: string) => string;
  } = {},
): GroupedFigures {
  const { permutations = 1000, intervals, recordingOf } = options;
  const regrouped = regroup(made);
  const of = (own: readonly string[]) => own.map(groupOf);
  const everyId = made.head === "localization" ? [...new Set(made.result.steps.map(({ id }) => id))] : ids;
  const all = of(everyId);
  const kept = membersOf(all);
  if (kept.size < 2) {
    const found = membersOf(all, 1);
    const named = [...found].slice(0, 8).map(([group, own]) => `${group} (${own.length})`);
    throw new KdcError({
      where: `groups by ${by}`,
      what: `${kept.size === 0 ? "no group has" : "one group alone has"} two clips or more${named.length === 0 ? "; no clip has a value" : `: ${named.join(", ")}${found.size > 8 ? ", …" : ""}`}`,
      remedy: "Group by a column with at least two values that several evaluated clips share",
      reason: "groups",
    });
  }
  const figures = figuresOf(made).flatMap(({ key, name, kind }): GroupedFigure[] => {
    const own = regrouped[key];
    if (own === undefined) return [];
    const members = membersOf(own.ids === undefined ? all : of(own.ids));
    const recordings = recordingOf && recordingNumbers((own.ids ?? everyId).map(recordingOf));
    const groups = [...members].map(([group, clips]) => {
      const value = own.over(clips);
      const parts = recordings && Int32Array.from(clips, (clip) => recordings[clip]);
      const drawing = { ...intervals, recordings: parts };
      const drawn = own.interval?.(clips, drawing) ?? intervalOver(own.over, clips, drawing);
      return {
        ...{ group, clips: clips.length, ...fewerThan(clips.length, parts) },
        value: Number.isFinite(value) ? value : null,
        ...intervalSaid(own.whereAlike?.(clips, drawn, parts) ?? drawn, kind),
      };
    });
    // The same dealings for every figure.
    const gap = gapBetween(own.over, members, { permutations, rng: createRng("groups"), recordings });
    return [{ ...{ key, name, kind, groups }, ...(gap === undefined ? {} : { gap }) }];
  });
  const unknown = all.filter((group) => group === undefined).length;
  const alone = all.length - unknown - [...kept.values()].reduce((sum, own) => sum + own.length, 0);
  return {
    ...{ by, figures },
    leftOut: {
      ...(unknown === 0 ? {} : { [`no ${by}`]: unknown }),
      ...(alone === 0 ? {} : { "alone in its group": alone }),
    },
  };
}

function intervalOver(
  over: (clips: ArrayLike<number>) => number,
  clips: readonly number[],
  options?: BootstrapOptions,
) {
  const value = (counts: Int32Array) => {
    const drawn = new Int32Array(counts.reduce((sum, count) => sum + count, 0));
    let place = 0;
    for (const [at, clip] of clips.entries()) for (let t = 0; t < counts[at]; t++) drawn[place++] = clip;
    return over(drawn);
  };
  return bootstrap(clips.length, { value }, options).value;
}
