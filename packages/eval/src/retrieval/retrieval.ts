import { type BootstrapOptions, bootstrap, type Interval, medianOf, type Statistic } from "../bootstrap.js";
import { expectGiven } from "../given.js";
import type { Evaluated } from "../head.js";
import type { Matrix } from "../matrix.js";
import { findProtocol, type Protocol } from "../protocol.js";
import { protocols } from "../protocols.js";
import { fewerThan } from "../recordings.js";
import { withExact } from "../where-alike.js";
import { type CrossModalRanks, crossModalRanks } from "./ranks.js";

/** Embeddings of the same clips in both modalities, or ranks that were counted elsewhere. */
export type RetrievalInput = {
  /** One row per clip, `[N, D]`. */
  readonly audio: Matrix;
  /** The same clips in the same order, `[N, D]`. */
  readonly visual: Matrix;
  /** Ranks that were counted elsewhere, by `crossModalRanksBy`. */
  readonly ranks?: CrossModalRanks;
  readonly protocol?: Protocol;
  readonly leftOut?: Readonly<Record<string, number>>;
  readonly intervals?: BootstrapOptions;
};

const figures = ["r1", "r5", "r10", "medianRank"] as const;
type Figure = (typeof figures)[number];

/** One direction's figures; shares in 0–1, ranks from 1. */
export type DirectionScores = Readonly<Record<Figure, number>> & {
  /** Queries resampled, by recording where clips are parts of some; the gallery held. */
  readonly intervals: Readonly<Record<Figure, Interval>>;
  /** Share of queries whose right answer has exactly the cosine of another item. */
  readonly tied: number;
  /** Each query's rank, 0 best: for paired tests and lists. */
  readonly ranks: Int32Array;
};

/** Recall and ranks in both directions, beside a random order of the gallery. */
export type RetrievalResult = Evaluated & {
  readonly gallery: number;
  readonly audioToVisual: DirectionScores;
  readonly visualToAudio: DirectionScores;
  /** What a random order of the gallery gives. */
  readonly chance: Readonly<Record<Figure, number>>;
  readonly warnings: readonly string[];
};

function statistics(rank: Int32Array): Readonly<Record<Figure, Statistic>> {
  // The mean of zeros and ones: only the ones are looked at, however often it is asked for.
  const within = (k: number): Statistic => {
    const hits = Int32Array.from(rank.keys()).filter((query) => rank[query] < k);
    return (counts) => {
      let [sum, queries] = [0, 0];
      for (let i = 0; i < hits.length; i++) sum += counts[hits[i]];
      for (let i = 0; i < counts.length; i++) queries += counts[i];
      return sum / queries;
    };
  };
  return {
    ...{ r1: within(1), r5: within(5), r10: within(10) },
    medianRank: medianOf(Float64Array.from(rank, (value) => value + 1)),
  };
}

const recalls = { r1: 1, r5: 5, r10: 10 } as const;

/** Which queries are hits, by recall; of at least as many as the gallery holds all are, whatever the clips. */
const hitsOf = (rank: Int32Array): Partial<Record<keyof typeof recalls, Uint8Array>> =>
  Object.fromEntries(
    Object.entries(recalls).flatMap(([name, k]) =>
      k >= rank.length ? [] : [[name, Uint8Array.from(rank, (value) => (value < k ? 1 : 0))] as const],
    ),
  );

/** Both directions on the same resamples. */
function scores(ranks: CrossModalRanks, options: BootstrapOptions | undefined) {
  const directions = ["audioToVisual", "visualToAudio"] as const;
  const queries = ranks.audioToVisual.rank.length;
  const all = directions.map((direction) => ({ direction, of: statistics(ranks[direction].rank) }));
  const named = all.flatMap(({ direction, of }) => figures.map((figure) => [`${direction} ${figure}`, of[figure]]));
  const intervals = bootstrap(queries, Object.fromEntries(named) as Record<string, Statistic>, options);
  const once = new Int32Array(queries).fill(1);
  return all.map(({ direction, of }): DirectionScores => {
    const { rank, tied } = ranks[direction];
    const own = Object.fromEntries(figures.map((figure) => [figure, intervals[`${direction} ${figure}`]])) as Record<
      Figure,
      Interval
    >;
    return {
      ...{ r1: of.r1(once), r5: of.r5(once), r10: of.r10(once), medianRank: of.medianRank(once) },
      intervals: withExact(own, hitsOf(rank), options?.recordings),
      tied: tied.filter((others) => others > 0).length / tied.length,
      ranks: rank,
    };
  });
}

/**
 * Cross-modal retrieval in both directions.
 *
 * @throws KdcError for an empty gallery, unequal shapes, NaN or zero rows
 *
 * @example
 * ```ts
 * import { matrix, retrieval } from "@kdc-mae/eval";
 *
 * const audio = matrix(2, 2, Float32Array.of(1, 0, 0, 1));
 * const visual = matrix(2, 2, Float32Array.of(0.9, 0.1, 0.2, 0.8));
 * const { audioToVisual, chance } = retrieval({ audio, visual });
 * console.log(audioToVisual.r1, "by chance", chance.r1);
 * ```
 */
export function retrieval(input: RetrievalInput): RetrievalResult {
  expectGiven("retrieval", input, "audio", "visual");
  const ranks = input.ranks ?? crossModalRanks(input.audio, input.visual);
  const gallery = ranks.audioToVisual.rank.length;
  const [audioToVisual, visualToAudio] = scores(ranks, input.intervals);
  const warnings = [
    ...(gallery <= 10 ? [`a gallery of ${gallery} makes R@10 ${gallery === 10 ? "always 1" : "meaningless"}`] : []),
    ...[audioToVisual, visualToAudio].flatMap(({ tied }, index) =>
      tied > 0.01
        ? [
            `${(100 * tied).toFixed(1)} % of ${index === 0 ? "audio" : "visual"} queries tie with a wrong answer and are counted as hits: the embeddings may have collapsed`,
          ]
        : [],
    ),
  ];
  const chance = (k: number) => Math.min(1, k / gallery);
  return {
    protocol: input.protocol ?? findProtocol(protocols, "retrieval-middle-frame"),
    evaluated: gallery,
    ...fewerThan(gallery, input.intervals?.recordings),
    leftOut: input.leftOut ?? {},
    gallery,
    audioToVisual,
    visualToAudio,
    chance: { r1: chance(1), r5: chance(5), r10: chance(10), medianRank: (gallery + 1) / 2 },
    warnings,
  };
}
