import { type Encoded, type Evidence, expectShape, KdcError } from "@kdc-mae/core";
import { add, mean, type Scalar, type Tensor1D, type Tensor2D, type Tensor3D, tidy } from "@tensorflow/tfjs-core";
import { average } from "../average.js";
import { shiftAndSum, softmaxDistribution } from "../divergence/distribution.js";
import { jensenShannon } from "../divergence/jensen-shannon.js";
import { kullbackLeibler, symmetricKullbackLeibler } from "../divergence/kullback-leibler.js";
import { maximumMeanDiscrepancy } from "../divergence/maximum-mean-discrepancy.js";
import { meanSquared } from "../divergence/mean-squared.js";
import { aboveZero, expectOptions, oneOf, streamsOf, strictOptions } from "../options.js";
import { stopGradient } from "../stop-gradient.js";
import { type EncodedStream, expectNeeds, type LossTerm } from "../term.js";

/** Compares targets with students, both `[B, D]`, one value per clip `[B]`. */
type Divergence = {
  readonly of: "distributions" | "embeddings";
  readonly compare: (target: Tensor2D, student: Tensor2D) => Tensor1D;
};

const divergences = {
  js: { of: "distributions", compare: jensenShannon },
  kl: { of: "distributions", compare: kullbackLeibler },
  "reverse-kl": { of: "distributions", compare: (target, student) => kullbackLeibler(student, target) },
  "symmetric-kl": { of: "distributions", compare: symmetricKullbackLeibler },
  mse: { of: "embeddings", compare: meanSquared },
  mmd: { of: "embeddings", compare: maximumMeanDiscrepancy },
} as const satisfies Record<string, Divergence>;

/** Options of the term `view-distillation`. */
export type DistillationOptions = {
  /**
   * Default `js`, as published. `kl` is KL(target ‖ student); with target `both`, where the views are equals, it is
   * KL(earlier ‖ later view). `mse` and `mmd` compare the pooled embeddings and use no distribution.
   */
  readonly divergence?: keyof typeof divergences;
  /** How a pooled embedding becomes a distribution. Default `shift-and-sum`, as published. */
  readonly distribution?: "shift-and-sum" | "softmax";
  /** Of the softmax. Default 1. */
  readonly temperature?: number;
  /** Which streams are compared; their values are added. Default joint alone. */
  readonly streams?: readonly EncodedStream[];
  /**
   * `both` (default, as published): two views pull each other. `stop-gradient`: each view is pulled towards each
   * other view, held still. `teacher`: each view is pulled towards the teacher's encoding of each other view.
   */
  readonly target?: "both" | "stop-gradient" | "teacher";
};

const where = "view-distillation";

const orderedPairs = <T>(targets: readonly T[], students: readonly T[]): [T, T][] =>
  students.flatMap((student, i) => targets.flatMap((target, j): [T, T][] => (i === j ? [] : [[target, student]])));

/** Per kind of target: the (target, student) pairs, from what the student and the teacher made of each view. */
const pairings: Record<
  NonNullable<DistillationOptions["target"]>,
  <T extends Tensor2D>(students: readonly T[], teachers: readonly T[]) => [T, T][]
> = {
  both: (views) =>
    views.flatMap((first, i) => views.slice(i + 1).map((second): [typeof first, typeof first] => [first, second])),
  "stop-gradient": (views) => orderedPairs(views.map(stopGradient), views),
  teacher: (views, teachers) => orderedPairs(teachers.map(stopGradient), views),
};

const schema = strictOptions<DistillationOptions>({
  divergence: oneOf(Object.keys(divergences)),
  distribution: oneOf(["shift-and-sum", "softmax"]),
  temperature: aboveZero(1),
  streams: streamsOf(["joint", "audio", "visual"]),
  target: oneOf(Object.keys(pairings)),
});

/** @throws KdcError for an option that is unknown or out of range, or that the others leave unread */
function readOptions(options: DistillationOptions = {}) {
  expectOptions({ name: where, schema }, options);
  const { streams = ["joint"], divergence: name = "js", target = "both", distribution, temperature } = options;
  const divergence: Divergence = divergences[name];
  const refuse = (what: string, remedy: string): never => {
    throw new KdcError({ where, what, remedy, reason: "option" });
  };
  if (divergence.of === "embeddings" && (distribution !== undefined || temperature !== undefined)) {
    refuse(
      `${name} compares embeddings and uses no ${distribution === undefined ? "temperature" : "distribution"}`,
      "Leave it out, or use a divergence of distributions",
    );
  }
  if (temperature !== undefined && distribution !== "softmax") {
    refuse(`the temperature is ${temperature}`, "shift-and-sum has none: leave it out or use softmax");
  }
  return {
    needs: { views: 2, encoded: streams, pooled: streams, patches: false, teacher: target === "teacher" },
    ...{ streams, divergence, pairUp: pairings[target] },
    distribution: distribution === "softmax" ? softmaxDistribution(temperature ?? 1) : shiftAndSum,
  };
}

/**
 * How much the views of each clip differ: tokens of a stream are averaged, turned into distributions, and compared over
 * all pairs of views; mean over pairs, sum over streams.
 *
 * @returns `[B]`
 * @throws KdcError for an unknown option, or evidence with fewer than two views or without a teacher it needs
 */
export function distillationPerClip(evidence: Evidence, options: DistillationOptions = {}): Tensor1D {
  const { needs, streams, divergence, pairUp, distribution } = readOptions(options);
  expectNeeds(where, needs, evidence);
  return tidy(() => {
    const perStream = streams.map((stream) => {
      const represent = (encoded: Encoded): Tensor2D => {
        // Its needs name the stream, so it is there.
        const tokens = encoded[stream] as Tensor3D;
        expectShape(where, `${stream} tokens`, tokens, "B K D");
        const pooled = mean(tokens, 1) as Tensor2D;
        return divergence.of === "distributions" ? distribution(pooled) : pooled;
      };
      const students = evidence.views.map(({ encoded }) => represent(encoded));
      const teachers = needs.teacher ? (evidence.teacher ?? []).map(represent) : [];
      const perPair = pairUp(students, teachers).map(([target, student]) => divergence.compare(target, student));
      return average(perPair);
    });
    return perStream.reduce((total, next) => add(total, next));
  });
}

/** The mean over clips of {@link distillationPerClip}: what makes two views of one clip agree. */
export const viewDistillation: LossTerm<DistillationOptions> = {
  name: "view-distillation",
  schema,
  // The published distribution takes the least value of the whole batch.
  comparesClips: true,
  needs: (options) => readOptions(options).needs,
  compute: (evidence, options) => tidy(() => mean(distillationPerClip(evidence, options)) as Scalar),
};
