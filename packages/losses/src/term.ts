import { type Encoded, type Evidence, KdcError, type Modality } from "@kdc-mae/core";
import type { Scalar } from "@tensorflow/tfjs-core";
import type { OptionsSchema } from "./options.js";

/** The streams of tokens that a view is encoded into; the global ones are there where the model has global tokens. */
export type EncodedStream = keyof Encoded;

/** What a term looks at. Gradients must reach all of `encoded`, `reconstruction`, `contrast` and `prediction`, and nothing else. */
export type Needs = {
  /** The fewest views it can be computed on. */
  readonly views: number;
  /** The fewest clips that it says anything of when it sees them together: two where it compares them. One unless given. */
  readonly clips?: number;
  readonly encoded?: readonly EncodedStream[];
  /**
   * Those of its streams, the contrast's and a teacher's of the views among them, of which it looks at the mean token alone:
   * where a batch is seen in parts, a clip's `[1, D]` is all that is gathered of its `[K, D]`.
   */
  readonly pooled?: readonly EncodedStream[];
  /** False if it does not look at the patches themselves, which then need not be gathered. True unless given. */
  readonly patches?: boolean;
  readonly reconstruction?: readonly Modality[];
  /** Streams of the views that the contrast has for itself (`masking.contrast`). */
  readonly contrast?: readonly EncodedStream[];
  /** Modalities whose predicted tokens it looks at. */
  readonly prediction?: readonly Modality[];
  /** True if it compares with a moving-average teacher's encoding of the same views. */
  readonly teacher?: boolean;
  /** True if it compares with that teacher's encoding of the whole clips, nothing hidden. */
  readonly whole?: boolean;
  /** True if it looks at the log-probabilities by which a sampling network draws the views. */
  readonly sampling?: boolean;
};

/**
 * One part of an objective, as a value: anybody's package may make one. `compute` gives a scalar that is a mean over
 * the clips of the batch, from differentiable tfjs operations, and leaves no other tensor behind.
 */
export type LossTerm<Options = unknown> = {
  readonly name: string;
  /**
   * What its options may be. An objective refuses all others; without a schema any options go through unread by
   * anybody but the term.
   */
  readonly schema?: OptionsSchema<Options>;
  /**
   * True if the value for a batch is another than the mean of its clips' own values: because clips are compared with
   * one another (contrastive terms), or because it is made of a statistic over the batch (VICReg's variance, Barlow
   * Twins' correlations, the least value of a batch). Where a batch is seen in parts, such a term waits for all of them.
   */
  readonly comparesClips?: boolean;
  /** What it looks at with these options. */
  needs(options?: Options): Needs;
  /** The term’s value, a scalar mean over the clips of the batch; differentiable. */
  compute(evidence: Evidence, options?: Options): Scalar;
};

/** @throws KdcError if the evidence lacks views, or a teacher, that the term needs */
export function expectNeeds(name: string, needs: Needs, evidence: Evidence): void {
  const refuse = (what: string, remedy: string): never => {
    throw new KdcError({ where: `loss term ${name}`, what, remedy, reason: "unmet-needs" });
  };
  const views = evidence.views.length;
  if (views < needs.views) {
    refuse(
      `it needs at least ${needs.views} views and the evidence has ${views}`,
      "Mask with more views, or leave this term out",
    );
  }
  const absent = needs.encoded?.find((stream) => evidence.views.some(({ encoded }) => encoded[stream] === undefined));
  if (absent !== undefined) {
    refuse(
      `it looks at the stream ${absent}, which the evidence does not have`,
      absent.startsWith("global")
        ? "Give the model global tokens (model.globalToken)"
        : "Encode it, or leave this term out",
    );
  }
  const own = needs.contrast?.find(
    (stream) =>
      evidence.contrast === undefined || evidence.contrast.some(({ encoded }) => encoded[stream] === undefined),
  );
  if (own !== undefined) {
    refuse(
      evidence.contrast === undefined
        ? "it looks at views of the contrast's own, and the evidence has none"
        : `it looks at the stream ${own} of the contrast's views, which the evidence does not have`,
      evidence.contrast === undefined
        ? 'Give the contrast views of its own (masking.contrast), or leave path "own" out'
        : "Give the model global tokens (model.globalToken)",
    );
  }
  if ((needs.prediction?.length ?? 0) > 0 && evidence.views.some(({ prediction }) => prediction === undefined)) {
    refuse(
      "it looks at predicted tokens and the model predicts none",
      "Give the model a predictor (model.predictor), or leave this term out",
    );
  }
  if (needs.whole && evidence.whole === undefined) {
    refuse(
      "it compares with what a teacher makes of whole clips and the evidence has none",
      "Keep a moving-average teacher in the experiment, or leave this term out",
    );
  }
  if (needs.sampling && evidence.sampling === undefined) {
    refuse(
      "it trains the network that draws the views, and the evidence has none",
      'Draw them by one (masking.kind "adaptive"), or leave this term out',
    );
  }
  if (needs.teacher && evidence.teacher === undefined) {
    refuse(
      "it compares with a teacher and the evidence has none",
      "Keep a moving-average teacher in the experiment, or choose another target",
    );
  }
  if (needs.teacher && evidence.teacher?.length !== views) {
    refuse(
      `the teacher encoded ${evidence.teacher?.length} views of ${views}`,
      "Give the teacher the same views as the student",
    );
  }
}
