import { KdcError } from "@kdc-mae/core";
import { type BootstrapOptions, bootstrap, type Interval, type Statistic } from "../bootstrap.js";
import { argmaxRows } from "../classification/classification.js";
import { expectGiven } from "../given.js";
import type { Evaluated } from "../head.js";
import { expectMatrix, type Matrix } from "../matrix.js";
import { findProtocol, type Protocol } from "../protocol.js";
import { protocols } from "../protocols.js";
import { atPlaces, fewerThan, type Recordings } from "../recordings.js";
import { intervalWhereAlike, withExact } from "../where-alike.js";
import type { Perceived, VggSounderClip } from "./read-labels.js";

/** What a model was given. */
export type Given = "audio" | "visual" | "both";

/** Which labels count as right: those that can be heard, seen, heard and seen, heard alone, seen alone. */
const subsets = {
  heard: ["A", "AV"],
  seen: ["V", "AV"],
  both: ["AV"],
  "heard only": ["A"],
  "seen only": ["V"],
} as const satisfies Record<string, readonly Perceived[]>;

export type LabelSubset = keyof typeof subsets;

/** The labels that a model which was given this is scored on. */
const scoredOn = { audio: "heard", visual: "seen", both: "both" } as const satisfies Record<Given, LabelSubset>;

type Shares = Readonly<Record<"f1" | "hitRate", number>>;

/** Figures of one way of asking on the clips that have such labels. */
export type SounderScores = Shares & {
  readonly labels: LabelSubset;
  readonly clips: number;
  /** Recordings they are parts of, where those are fewer. */
  readonly recordings?: number;
  readonly intervals: Readonly<Record<"f1" | "hitRate", Interval>>;
  /** What saying a class at random gives on average. */
  readonly random: Shares;
  /** By clip: 1 where the said class is one of its labels of that sort, and how many of those it has. */
  readonly byClip: { readonly hits: readonly number[]; readonly wanted: readonly number[] };
};

/**
 * Exact intervals where all clips are hits, or none is: F1 is then the hit rate times 2·clips / (clips + labels), which the
 * resamples have drawn where clips have more labels or fewer.
 *
 * @param hits of the clips that take part
 * @param wanted labels of all of them together
 */
export function soundedWhereAlike(
  drawn: SounderScores["intervals"],
  hits: ArrayLike<number>,
  wanted: number,
  recordings?: Recordings,
): SounderScores["intervals"] {
  const hitRate = intervalWhereAlike(hits, [0, 1], drawn.hitRate.level, recordings);
  if (hitRate === undefined) return drawn;
  const scale = (2 * hits.length) / (hits.length + wanted);
  const low = Math.min(drawn.f1.low, scale * hitRate.low);
  return { hitRate, f1: { ...hitRate, low, high: Math.max(drawn.f1.high, scale * hitRate.high) } };
}

/** A share of clips. */
export type ConfusedShare = {
  readonly share: number;
  readonly interval: Interval;
  /** 1 where the clip is one of them. */
  readonly byClip: readonly number[];
};

/** Figures on VGGSounder, by what the model was given and by what the labels can be told from. */
export type VggSounderResult = Evaluated & {
  readonly given: Readonly<Record<Given, SounderScores>>;
  /** The whole model on labels that one modality alone can tell. */
  readonly alone: Readonly<Record<"heard only" | "seen only", SounderScores | null>>;
  /**
   * Modality confusion: share of clips that the model gets right with one modality and wrong with both of them: with
   * sound (the paper's μ_A), with pictures (μ_V), with each of the two (μ_A∩V), and with any of the two.
   */
  readonly confusion: Readonly<Record<"audio" | "visual" | "each" | "any", ConfusedShare>>;
  readonly warnings: readonly string[];
};

/**
 * VGGSounder (arXiv 2508.08237) from a classifier's scores: the most probable class of every clip against all labels
 * its annotators found, by what they can be perceived by. F1 is over all (clip, label) decisions together (micro); a
 * hit is a said class that is among the clip's labels of that sort; clips without such labels take no part.
 *
 * @param input `scores`: `[N, C]` for each of sound alone, pictures alone, both; `clips`: the same clips' labels
 * @throws KdcError for unequal shapes, no clips, labels none of which are classes
 */
export function vggSounder(input: {
  readonly kinds: readonly string[];
  readonly scores: Readonly<Record<Given, Matrix>>;
  readonly clips: readonly VggSounderClip[];
  readonly protocol?: Protocol;
  readonly leftOut?: Readonly<Record<string, number>>;
  readonly intervals?: BootstrapOptions;
}): VggSounderResult {
  const where = "vggSounder";
  expectGiven(where, input, "kinds", "scores", "clips");
  const { kinds, scores, clips } = input;
  const N = clips.length;
  const said = Object.fromEntries(
    Object.entries(scores).map(([given, matrix]) => {
      expectMatrix(where, `${given} scores`, matrix, "N C", { N, C: kinds.length });
      return [given, [...argmaxRows(matrix)].map((kind) => kinds[kind])];
    }),
  ) as Record<Given, string[]>;
  const rightOnes = (labels: LabelSubset) =>
    clips.map((clip) =>
      Object.entries(clip.labels).flatMap(([label, by]) =>
        (subsets[labels] as readonly Perceived[]).includes(by) && kinds.includes(label) ? [label] : [],
      ),
    );
  const scoreOn = (given: Given, labels: LabelSubset): SounderScores | null => {
    const right = rightOnes(labels);
    const counts = right.map((own) => own.length);
    const hit = right.map((own, clip) => (own.includes(said[given][clip]) ? 1 : 0));
    const taken = counts.filter((count) => count > 0).length;
    if (taken === 0) return null;
    const over = (times: Int32Array): { hits: number; said: number; wanted: number } => {
      const sums = { hits: 0, said: 0, wanted: 0 };
      for (let clip = 0; clip < N; clip++) {
        if (counts[clip] === 0) continue;
        sums.hits += times[clip] * hit[clip];
        sums.said += times[clip];
        sums.wanted += times[clip] * counts[clip];
      }
      return sums;
    };
    const figures: Readonly<Record<"f1" | "hitRate", Statistic>> = {
      f1: (times) => {
        const { hits, said: all, wanted } = over(times);
        return (2 * hits) / (all + wanted);
      },
      hitRate: (times) => {
        const { hits, said: all } = over(times);
        return hits / all;
      },
    };
    const once = new Int32Array(N).fill(1);
    // Each of the C classes is said as often: a clip of w labels is hit with chance w / C.
    const { said: all, wanted } = over(once);
    const chance = wanted / kinds.length;
    const random = { f1: (2 * chance) / (all + wanted), hitRate: chance / all };
    const drawn = bootstrap(N, figures, input.intervals);
    const asked = [...counts.keys()].filter((clip) => counts[clip] > 0);
    const { recordings } = atPlaces(input.intervals, asked) ?? {};
    const own = asked.map((clip) => hit[clip]);
    const intervals = soundedWhereAlike(drawn, own, wanted, recordings);
    return {
      random,
      labels,
      clips: taken,
      ...fewerThan(taken, recordings),
      f1: figures.f1(once),
      hitRate: figures.hitRate(once),
      intervals,
      byClip: { hits: hit, wanted: counts },
    };
  };
  const given = Object.fromEntries(
    (["audio", "visual", "both"] as const).map((one) => [one, scoreOn(one, scoredOn[one])]),
  ) as Record<Given, SounderScores | null>;
  const lacking = Object.entries(given).find(([, one]) => one === null)?.[0];
  if (N === 0 || lacking !== undefined) {
    throw new KdcError({
      where,
      what: N === 0 ? "there are no clips" : `no clip has a label among the ${kinds.length} classes for ${lacking}`,
      remedy: "Give VGGSound's test clips, and a classifier of VGGSound's classes",
      reason: "empty",
    });
  }
  const any = clips.map(({ labels }) => new Set(Object.keys(labels)));
  const isRight = (one: Given, clip: number) => any[clip].has(said[one][clip]);
  const confused = (test: (clip: number) => boolean): ConfusedShare => {
    const byClip = any.map((_, clip) => (!isRight("both", clip) && test(clip) ? 1 : 0));
    const share: Statistic = (times) =>
      byClip.reduce<number>((sum, one, clip) => sum + one * times[clip], 0) / times.reduce((sum, one) => sum + one, 0);
    return {
      share: share(new Int32Array(N).fill(1)),
      interval: withExact(bootstrap(N, { share }, input.intervals), { share: byClip }, input.intervals?.recordings)
        .share,
      byClip,
    };
  };
  const unknown = new Set(clips.flatMap(({ labels }) => Object.keys(labels).filter((label) => !kinds.includes(label))));
  return {
    protocol: input.protocol ?? findProtocol(protocols, "vggsounder"),
    evaluated: N,
    ...fewerThan(N, input.intervals?.recordings),
    leftOut: input.leftOut ?? {},
    given: given as VggSounderResult["given"],
    alone: { "heard only": scoreOn("both", "heard only"), "seen only": scoreOn("both", "seen only") },
    confusion: {
      audio: confused((clip) => isRight("audio", clip)),
      visual: confused((clip) => isRight("visual", clip)),
      each: confused((clip) => isRight("audio", clip) && isRight("visual", clip)),
      any: confused((clip) => isRight("audio", clip) || isRight("visual", clip)),
    },
    warnings:
      unknown.size === 0
        ? []
        : [
            `${unknown.size} ${unknown.size === 1 ? "label is none of the classes and takes" : "labels are none of the classes and take"} no part: ${[...unknown].slice(0, 8).join(", ")}`,
          ],
  };
}
