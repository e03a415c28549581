import { type BootstrapOptions, bootstrap, type Interval } from "../bootstrap.js";
import { averagePrecision } from "../classification/average-precision.js";
import { groupTallies, type Ranked, rank } from "../classification/ranked.js";

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
  /** A hit is a map that has a visible source. */
  readonly presence: DetectionScores;
  /** A hit has a visible source and is shown at cIoU ≥ 0.5; recall still counts every visible source. */
  readonly located: DetectionScores;
  /** AP of a random confidence, and F1 of always saying yes. */
  readonly chance: Readonly<Record<"averagePrecision" | "maxF1", number>>;
};

/** One map: how sure the model is, and how well it points; `ciou` is undefined without a visible source. */
type Sighting = { readonly confidence: number; readonly ciou: number | undefined };

const countAll = (hits: ArrayLike<number>, counts: Int32Array | undefined): number =>
  Array.from(hits).reduce((sum, hit, i) => sum + hit * (counts === undefined ? 1 : counts[i]), 0);

/** AP whose recall counts all positives, also those that are no hits. */
function precisionOf(ranked: Ranked, positive: Uint8Array, counts?: Int32Array): number {
  const found = countAll(ranked.positive, counts);
  return found === 0 ? 0 : (averagePrecision(ranked, counts) * found) / countAll(positive, counts);
}

/** Best F1 over all thresholds, 2·TP / (said + positives). */
function bestF1(ranked: Ranked, positive: Uint8Array, counts?: Int32Array): number {
  const tallies = groupTallies(ranked, counts);
  const all = countAll(positive, counts);
  let [right, said, best] = [0, 0, 0];
  for (let group = 0; group < tallies.groups; group++) {
    right += tallies.positives[group];
    said += tallies.positives[group] + tallies.negatives[group];
    best = Math.max(best, (2 * right) / (said + all));
  }
  return best;
}

function scores(
  clips: readonly Sighting[],
  isHit: (ciou: number) => boolean,
  options?: BootstrapOptions,
): DetectionScores {
  const positive = Uint8Array.from(clips, ({ ciou }) => (ciou === undefined ? 0 : 1));
  const ranked = rank(
    clips.map(({ confidence }) => confidence),
    clips.map(({ ciou }) => (ciou !== undefined && isHit(ciou) ? 1 : 0)),
  );
  return {
    averagePrecision: precisionOf(ranked, positive),
    maxF1: bestF1(ranked, positive),
    intervals: bootstrap(
      clips.length,
      {
        averagePrecision: (counts) => precisionOf(ranked, positive, counts),
        maxF1: (counts) => bestF1(ranked, positive, counts),
      },
      options,
    ),
  };
}

/**
 * Average precision and the best F1 over all thresholds of the confidence, on maps with and without a visible source
 * (silent objects, off-screen sound). Undefined when either is missing, for then there is nothing to tell apart.
 */
export function detection(clips: readonly Sighting[], options?: BootstrapOptions): Detection | undefined {
  const positives = clips.filter(({ ciou }) => ciou !== undefined).length;
  if (positives === 0 || positives === clips.length) return undefined;
  const share = positives / clips.length;
  return {
    positives,
    negatives: clips.length - positives,
    presence: scores(clips, () => true, options),
    located: scores(clips, (ciou) => ciou >= 0.5, options),
    chance: { averagePrecision: share, maxF1: (2 * share) / (1 + share) },
  };
}
