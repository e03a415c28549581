import { type BootstrapOptions, bootstrap, type Interval, medianOf, type Statistic } from "../bootstrap.js";
import { expectGiven } from "../given.js";
import type { Evaluated } from "../head.js";
import type { Matrix } from "../matrix.js";
import { findProtocol, type Protocol } from "../protocol.js";
import { protocols } from "../protocols.js";
import { type CrossModalRanks, crossModalRanks, type Ranks } from "./ranks.js";

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

type Figure = "r1" | "r5" | "r10" | "medianRank";

/** One direction's figures; shares in 0–1, ranks from 1. */
export type DirectionScores = Readonly<Record<Figure, number>> & {
  /** Queries resampled, the gallery held. */
  readonly intervals: Readonly<Record<Figure, Interval>>;
  /** Share of queries whose right answer has exactly the cosine of another item. */
  readonly tied: number;
  /** Each query's rank, 0 best: for paired tests and lists. */
  readonly ranks: Int32Array;
};

export type RetrievalResult = Evaluated & {
  readonly gallery: number;
  readonly audioToVisual: DirectionScores;
  readonly visualToAudio: DirectionScores;
  /** What a random order of the gallery gives. */
  readonly chance: Readonly<Record<Figure, number>>;
  readonly warnings: readonly string[];
};

function scores({ rank, tied }: Ranks, options: BootstrapOptions | undefined): DirectionScores {
  // The mean of zeros and ones: only the ones are looked at, however often it is asked for.
  const within = (k: number): Statistic => {
    const hits = Int32Array.from(rank.keys()).filter((query) => rank[query] < k);
    return (counts) => hits.reduce((sum, query) => sum + counts[query], 0) / rank.length;
  };
  const figures: Readonly<Record<Figure, Statistic>> = {
    r1: within(1),
    r5: within(5),
    r10: within(10),
    medianRank: medianOf(Float64Array.from(rank, (value) => value + 1)),
  };
  const once = new Int32Array(rank.length).fill(1);
  return {
    r1: figures.r1(once),
    r5: figures.r5(once),
    r10: figures.r10(once),
    medianRank: figures.medianRank(once),
    intervals: bootstrap(rank.length, figures, options),
    tied: tied.filter((others) => others > 0).length / tied.length,
    ranks: rank,
  };
}

/**
 * Cross-modal retrieval in both directions.
 *
 * @throws KdcError for an empty gallery, unequal shapes, NaN or zero rows
 */
export function retrieval(input: RetrievalInput): RetrievalResult {
  expectGiven("retrieval", input, "audio", "visual");
  const ranks = input.ranks ?? crossModalRanks(input.audio, input.visual);
  const gallery = ranks.audioToVisual.rank.length;
  const audioToVisual = scores(ranks.audioToVisual, input.intervals);
  const visualToAudio = scores(ranks.visualToAudio, input.intervals);
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
    leftOut: input.leftOut ?? {},
    gallery,
    audioToVisual,
    visualToAudio,
    chance: { r1: chance(1), r5: chance(5), r10: chance(10), medianRank: (gallery + 1) / 2 },
    warnings,
  };
}
