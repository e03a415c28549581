import { labelIndices } from "../classification/labels.js";
import { expectGiven } from "../given.js";
import { expectMatrix, type Matrix } from "../matrix.js";
import type { Recordings } from "../recordings.js";
import { crossModalRanks, type DirectionRanks } from "../retrieval/ranks.js";
import { type HeldOutAccuracy, heldOutAccuracy } from "./held-out-accuracy.js";
import { rankMe } from "./rank-me.js";
import { alignment, channelDeviations, uniformity } from "./sphere.js";

const streams = ["audio", "visual", "joint"] as const;

/** One number for each stream of embeddings. */
export type OfStreams = Readonly<Record<(typeof streams)[number], number>>;

/** What embeddings of held-out clips say of a model that is still learning. */
export type Probe = {
  readonly clips: number;
  /** D. */
  readonly width: number;
  /** `rankMe` of each stream. */
  readonly rank: OfStreams;
  /** Mean squared distance of a clip's sound and picture, `alignment`. */
  readonly alignment: number;
  readonly uniformity: OfStreams;
  /** Mean over channels of `channelDeviations`. */
  readonly deviation: OfStreams;
  /** Share of clips whose own picture (or sound) comes first among all, and what a random order gives. */
  readonly retrieval: { readonly audioToVisual: number; readonly visualToAudio: number; readonly chance: number };
  /** On the joint stream, where clips have one label each; see `heldOutAccuracy`. */
  readonly accuracy?: HeldOutAccuracy;
};

const average = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** R@1 with ties counted as misses: where all embeddings are one, everything ties with everything. */
const firsts = ({ rank, tied }: DirectionRanks): number =>
  rank.reduce((sum, place, query) => sum + (place === 0 && tied[query] === 0 ? 1 : 0), 0) / rank.length;

/**
 * Looks at a model through its embeddings of clips it is not trained on.
 *
 * @param input mean embeddings `[N, D]` of the same clips in the same order; `labels` of each clip, where there are some;
 * `recordings` that they are parts of, where those are fewer
 * @throws KdcError for unequal shapes, rows of zeros, and numbers that are not finite
 */
export function probeEmbeddings(
  input: Readonly<Record<(typeof streams)[number], Matrix>> & {
    readonly labels?: readonly (readonly string[])[];
    readonly recordings?: Recordings;
  },
): Probe {
  expectGiven("probeEmbeddings", input, ...streams);
  const { audio, visual, labels = [] } = input;
  const { N, D } = expectMatrix("probeEmbeddings", "audio", audio, "N D");
  const each = (figure: (features: Matrix) => number): OfStreams =>
    Object.fromEntries(streams.map((stream) => [stream, figure(input[stream])])) as OfStreams;
  const ranks = crossModalRanks(audio, visual);
  const single = labels.length === N && labels.every((own) => own.length === 1);
  const kinds = single ? [...new Set(labels.map(([label]) => label))].sort() : [];
  const accuracy = single
    ? heldOutAccuracy(kinds, {
        ...{ features: input.joint, recordings: input.recordings },
        labels: labelIndices(
          kinds,
          labels.map(([label]) => label),
        ),
      })
    : undefined;
  return {
    ...{ clips: N, width: D, rank: each(rankMe), alignment: alignment(audio, visual), uniformity: each(uniformity) },
    deviation: each((features) => average(channelDeviations(features))),
    retrieval: {
      audioToVisual: firsts(ranks.audioToVisual),
      visualToAudio: firsts(ranks.visualToAudio),
      chance: 1 / N,
    },
    ...(accuracy === undefined ? {} : { accuracy }),
  };
}
