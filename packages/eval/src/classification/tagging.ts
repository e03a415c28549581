import { KdcError } from "@kdc-mae/core";
import type { BootstrapOptions, Interval } from "../bootstrap.js";
import { expectGiven } from "../given.js";
import type { Evaluated } from "../head.js";
import { expectMatrix, type Matrix } from "../matrix.js";
import { findProtocol, type Protocol, varyProtocol } from "../protocol.js";
import { protocols } from "../protocols.js";
import { fewerThan, standsOnOne } from "../recordings.js";
import { chanceMeanAP } from "./chance.js";
import { type KindScores, rankingIntervals, rankKinds } from "./kind-scores.js";

/** Scores of any number of kinds per clip, and what is true. */
export type TaggingInput = {
  readonly kinds: readonly string[];
  /** Any scores, higher is likelier, `[N, C]`. */
  readonly scores: Matrix;
  /** 0/1, any number of kinds per clip, `[N, C]`. */
  readonly targets: Matrix;
  readonly protocol?: Protocol;
  readonly leftOut?: Readonly<Record<string, number>>;
  readonly intervals?: BootstrapOptions;
};

/** Figures of a tagger. Averages over kinds are null where no kind has both positives and negatives. */
export type TaggingResult = Evaluated & {
  readonly mAP: number | null;
  readonly auc: number | null;
  readonly dPrime: number | null;
  /** mAP of random scores on average. */
  readonly chance: number | null;
  readonly kinds: readonly KindScores[];
  readonly excluded: Readonly<Record<string, string>>;
  readonly intervals: Readonly<Record<"mAP" | "auc" | "dPrime", Interval>>;
  readonly warnings: readonly string[];
  /** By clip, what came in. */
  readonly clips: { readonly scores: Matrix; readonly targets: Matrix };
};

const taggingProtocol = varyProtocol(findProtocol(protocols, "classification-middle-frame"), {
  name: "tagging-middle-frame",
  gallery: "all labelled test clips; mAP stands beside that of random scores",
  notes: ["any number of labels per clip; each kind is scored by itself"],
});

/**
 * Scores any number of labels per clip.
 *
 * @throws KdcError for no clips, targets that are not 0/1, unequal sizes, NaN
 *
 * @example
 * ```ts
 * import { matrix, tagging } from "@kdc-mae/eval";
 *
 * const scores = matrix(2, 2, Float32Array.of(3, 1, -2, 4));
 * const targets = matrix(2, 2, Float32Array.of(1, 0, 0, 1));
 * const { mAP, chance } = tagging({ kinds: ["bell", "drum"], scores, targets });
 * ```
 */
export function tagging(input: TaggingInput): TaggingResult {
  const where = "tagging";
  expectGiven(where, input, "kinds", "scores", "targets");
  const { kinds, scores, targets } = input;
  const { N, C } = expectMatrix(where, "scores", scores, "N C", { C: kinds.length });
  expectMatrix(where, "targets", targets, "N C", { N, C });
  const bad = targets.data.findIndex((value) => value !== 0 && value !== 1);
  if (N === 0 || bad >= 0) {
    throw new KdcError({
      where,
      what:
        N === 0
          ? "there are no labelled clips"
          : `target ${targets.data[bad]} of clip ${Math.floor(bad / C)} is not 0 or 1`,
      remedy: "Make the targets with labelTargets from the clips' labels, for at least one clip",
      reason: N === 0 ? "empty" : "targets",
    });
  }
  const ranking = rankKinds(kinds, scores, targets);
  const names = Object.keys(ranking.excluded);
  const over = { evaluated: N, ...fewerThan(N, input.intervals?.recordings) };
  const intervals = rankingIntervals(N, ranking.statistics, input.intervals);
  return {
    protocol: input.protocol ?? taggingProtocol,
    ...over,
    leftOut: input.leftOut ?? {},
    mAP: ranking.mAP,
    auc: ranking.auc,
    dPrime: ranking.dPrime,
    chance: chanceMeanAP(ranking.kinds, N),
    kinds: ranking.kinds,
    excluded: ranking.excluded,
    intervals,
    clips: { scores, targets },
    warnings: [
      ...(names.length === 0
        ? []
        : [
            `${names.length} kinds take no part in mAP and AUC: ${names.map((name) => `${name} (${ranking.excluded[name]})`).join(", ")}`,
          ]),
      ...(ranking.auc === null ? [] : standsOnOne("mAP, AUC and d-prime", intervals.auc, over)),
    ],
  };
}
