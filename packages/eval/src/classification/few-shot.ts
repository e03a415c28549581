import { createRng, KdcError, type Rng } from "@kdc-mae/core";
import { type BootstrapOptions, bootstrap, type Interval, meanOf } from "../bootstrap.js";
import { expectGiven } from "../given.js";
import type { Evaluated } from "../head.js";
import { expectMatrix, matrix } from "../matrix.js";
import { prepareRows } from "../product/row-products.js";
import { findProtocol, type Protocol } from "../protocol.js";
import { drawing, protocols } from "../protocols.js";
import { fewerThan, partsOf } from "../recordings.js";
import { unitRows } from "../retrieval/unit-rows.js";
import { withExact } from "../where-alike.js";
import { argmaxRows, checkLabels } from "./classification.js";
import type { LabelledRows } from "./linear-probe.js";

/** Accuracy with so many labelled clips of every kind. */
export type ShotScores = {
  readonly shots: number;
  /** Mean over episodes of the mean over kinds of their recall. */
  readonly accuracy: number;
  /** Episodes resampled: what other draws of labelled clips would give on these test clips. */
  readonly interval: Interval;
  /** One number per episode. */
  readonly episodes: readonly number[];
  /** Share of episodes in which each test clip is said to be of its kind, `[N]`. */
  readonly right: Float64Array;
};

/** Accuracy by number of training clips per kind. */
export type FewShotResult = Evaluated & {
  readonly kinds: number;
  readonly shots: readonly ShotScores[];
  /** Accuracy of a guess. */
  readonly chance: number;
  /** Of the test clips, `[N]`. */
  readonly labels: Int32Array;
  readonly warnings: readonly string[];
};

/**
 * Few labels: in every episode `shots` training clips of each kind are drawn, of as many recordings where clips are parts
 * of fewer (windows of one film show little more than one of them). Each kind is the mean of its clips' directions, and a
 * test clip is of the kind whose mean is nearest by cosine (nearest class mean, Mensink et al. 2013; SimpleShot's L2N, Wang
 * et al. 2019). The mean over kinds keeps frequent kinds from deciding.
 *
 * @throws KdcError for zero rows, unequal widths, a label outside the kinds, kinds that no number of shots suits
 */
export function fewShot(input: {
  readonly kinds: readonly string[];
  readonly train: LabelledRows;
  readonly test: LabelledRows;
  /** Default 1, 2, 5, 10; numbers that some kind has not so many training clips (or recordings) for are left out, and a warning says so. */
  readonly shots?: readonly number[];
  /** Default 200. */
  readonly episodes?: number;
  readonly rng?: Rng;
  readonly protocol?: Protocol;
  readonly leftOut?: Readonly<Record<string, number>>;
  readonly intervals?: BootstrapOptions;
}): FewShotResult {
  const where = "fewShot";
  expectGiven(where, input, "kinds", "train", "test");
  const {
    kinds,
    train,
    test,
    shots: asked = drawing.shots,
    episodes = drawing.episodes,
    rng = createRng("few-shot"),
  } = input;
  for (const set of [train, test]) checkLabels(where, set.labels, kinds);
  const { D } = expectMatrix(where, "train features", train.features, "N D", { N: train.labels.length });
  expectMatrix(where, "test features", test.features, "N D", { N: test.labels.length, D });
  const parts = partsOf(train.labels.length, train.recordings);
  /** Of each kind what its recordings have of it. */
  const members = kinds.map((_, kind) =>
    parts.map((part) => part.filter((clip) => train.labels[clip] === kind)).filter(({ length }) => length > 0),
  );
  const unit = parts.length < train.labels.length ? "recordings of training clips" : "training clips";
  const fewest = Math.min(...members.map((own) => own.length));
  const shots = asked.filter((count) => Number.isInteger(count) && count >= 1 && count <= fewest);
  if (shots.length === 0 || episodes < 1) {
    throw new KdcError({
      where,
      what: `${asked.join(", ")} shots were asked for and the rarest kind has ${fewest} ${unit}`,
      remedy: `Give every kind as many ${unit} as the fewest shots, or leave rare kinds out`,
      reason: "shots",
    });
  }
  const from = unitRows(where, "train features", train.features);
  const asking = unitRows(where, "test features", test.features);
  // Episodes are what is drawn here, and no episode is a part of a recording.
  const { recordings: _, ...drawn } = input.intervals ?? {};
  const scored = shots.map((count): ShotScores => {
    const right = new Float64Array(test.labels.length);
    const values = Array.from({ length: episodes }, (_, episode) => {
      const draw = rng.fork(`${count}/${episode}`);
      const means = matrix(kinds.length, D);
      for (const [kind, own] of members.entries()) {
        const chosen = draw.fork(kind);
        for (const place of chosen.permutation(own.length).subarray(0, count)) {
          const clip = own[place][own[place].length > 1 ? chosen.integer(own[place].length) : 0];
          for (let k = 0; k < D; k++) means.data[kind * D + k] += from.data[clip * D + k];
        }
      }
      const said = argmaxRows(prepareRows(unitRows(where, "the mean of some clips", means)).times(asking));
      for (let clip = 0; clip < said.length; clip++) if (said[clip] === test.labels[clip]) right[clip] += 1 / episodes;
      return meanRecall(said, test.labels, kinds.length);
    });
    const accuracy = meanOf(values);
    return {
      ...{ shots: count, accuracy: accuracy(new Int32Array(episodes).fill(1)), episodes: values, right },
      interval: withExact(bootstrap(episodes, { accuracy }, drawn), { accuracy: values }).accuracy,
    };
  });
  const short = asked.filter((count) => !shots.includes(count));
  return {
    protocol: input.protocol ?? findProtocol(protocols, "few-shot-joint"),
    evaluated: test.labels.length,
    ...fewerThan(test.labels.length, input.intervals?.recordings),
    leftOut: input.leftOut ?? {},
    kinds: kinds.length,
    shots: scored,
    chance: 1 / kinds.length,
    labels: Int32Array.from(test.labels),
    warnings:
      short.length === 0 ? [] : [`${short.join(", ")} shots are left out: the rarest kind has ${fewest} ${unit}`],
  };
}

/** Mean over the kinds that have clips of the share of their clips that are said to be of them. */
function meanRecall(said: Int32Array, labels: ArrayLike<number>, kinds: number): number {
  const [right, all] = [new Int32Array(kinds), new Int32Array(kinds)];
  for (let clip = 0; clip < said.length; clip++) {
    all[labels[clip]]++;
    if (said[clip] === labels[clip]) right[labels[clip]]++;
  }
  const recalls = [...all.keys()].filter((kind) => all[kind] > 0).map((kind) => right[kind] / all[kind]);
  return recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length;
}
