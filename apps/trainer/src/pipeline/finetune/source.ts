import { type ClipGrids, createRng, type FloatTensor, float32, type HostPatches, type Rng } from "@kdc-mae/core";
import {
  assembleBatch,
  balancedWeights,
  drawPartner,
  type MadeSample,
  makeSample,
  type SampleRecipe,
  type SpecAugmentOptions,
  weightedOrder,
} from "@kdc-mae/data";
import type { Statistics } from "../corpus/batch.js";
import { type DataDigest, type RunData, runDataOf } from "../corpus/data-digest.js";
import type { FrontEnd } from "../corpus/front-end.js";
import { recordingOf, sampleFrontEnd } from "../corpus/recording.js";
import { stepsPerEpoch } from "../corpus/steps-per-epoch.js";
import type { StoredClip } from "../corpus/stored-clip.js";

/** One step's clips with their soft targets `[B, C]`. */
export type LabelledBatch = { readonly patches: HostPatches; readonly targets: FloatTensor };

/** Batches of an epoch from a given one on; every epoch has the same number. */
export type LabelledSource = {
  readonly stepsPerEpoch: number;
  /** What the clips are, so that a run that goes on knows them again. */
  readonly data?: RunData;
  batches(epoch: number, from: number): AsyncIterable<LabelledBatch>;
  close(): Promise<void>;
};

/** What happens to training clips at random, and what their labels become. */
export type LabelledOptions = {
  readonly grids: ClipGrids;
  readonly statistics: Statistics;
  readonly classes: readonly string[];
  readonly batch: number;
  readonly seed: number;
  readonly smoothing: number;
  /** Of every clip that the data name; those trained on unless told. */
  readonly named?: DataDigest;
  readonly balanced: boolean;
  readonly noise: boolean;
  readonly specAugment?: SpecAugmentOptions;
  readonly mixup?: { readonly probability: number; readonly alpha: number };
};

/**
 * Batches of clips held in memory, each clip once an epoch or balanced by class, with a random picture. A clip becomes
 * what the loader of prepared shards makes of it: everything random follows from seed, epoch, clip and how often it came.
 *
 * @throws KdcError for fewer clips than a batch takes
 */
export function memoryLabelledSource(
  clips: readonly StoredClip[],
  frontEnd: FrontEnd,
  options: LabelledOptions,
): LabelledSource {
  const { batch, seed, balanced } = options;
  const steps = stepsPerEpoch(clips.length, batch);
  const root = createRng(seed);
  const weights = balanced ? balancedWeights(clips.map(({ item }) => item.labels)) : undefined;
  const orderOf = (epoch: number) =>
    weights === undefined
      ? root.fork("order").fork(epoch).permutation(clips.length)
      : weightedOrder(weights, epoch, root.fork("balance"));
  const { grids, statistics, classes, smoothing, noise: noiseAndShift, specAugment, mixup } = options;
  const augment = { noiseAndShift, ...(specAugment ? { specAugment } : {}), ...(mixup ? { mixup } : {}) };
  const recipe: SampleRecipe = {
    ...{ frontEnd: sampleFrontEnd(frontEnd, statistics, grids), augment },
    ...{ picture: "random", classes, smoothing },
  };
  const recording = (index: number) => recordingOf(clips[index], frontEnd.imageSize);
  const make = (index: number, stream: Rng): Promise<MadeSample> => {
    const partner = drawPartner(stream, augment, clips.length);
    return makeSample(recording(index), recipe, stream, partner === undefined ? undefined : recording(partner));
  };
  return {
    stepsPerEpoch: steps,
    data: runDataOf(
      clips.map(({ item }) => item),
      options.named,
    ),
    async *batches(epoch, from) {
      const times = new Map<number, number>();
      const draws = Array.from(orderOf(epoch), (index) => {
        const before = times.get(index) ?? 0;
        times.set(index, before + 1);
        const stream = root.fork("clip").fork(epoch).fork(clips[index].item.id);
        return { index, stream: before === 0 ? stream : stream.fork(before) };
      });
      for (let step = from; step < steps; step++) {
        const made = await Promise.all(
          draws.slice(step * batch, (step + 1) * batch).map(({ index, stream }) => make(index, stream)),
        );
        const targets = float32([batch, classes.length]);
        for (const [row, { target = new Float32Array(0) }] of made.entries()) {
          targets.data.set(target, row * classes.length);
        }
        yield { patches: assembleBatch(made), targets };
      }
    },
    close: async () => undefined,
  };
}
