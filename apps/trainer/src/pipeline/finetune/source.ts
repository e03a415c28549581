import { type ClipGrids, createRng, type FloatTensor, float32, type HostPatches, type Rng } from "@kdc-mae/core";
import {
  assembleBatch,
  balancedWeights,
  cutFrame,
  cutSpectrogram,
  drawMixupShare,
  labelTarget,
  logMel,
  mixPictures,
  mixWaveforms,
  noiseAndShift,
  normalizeFrame,
  normalizeSpectrogram,
  padFrames,
  type SpecAugmentOptions,
  specAugment,
  weightedOrder,
} from "@kdc-mae/data";
import type { Statistics } from "../corpus/batch.js";
import { type DataDigest, type RunData, runDataOf } from "../corpus/data-digest.js";
import type { FrontEnd } from "../corpus/front-end.js";
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
  const make = sampleMaker(clips, frontEnd, options);
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
        const made = draws
          .slice(step * batch, (step + 1) * batch)
          .map(({ index, stream }) => make(clips[index], stream));
        const targets = float32([batch, options.classes.length]);
        for (const [row, { target }] of made.entries()) targets.data.set(target, row * target.length);
        yield { patches: assembleBatch(made), targets };
      }
    },
    close: async () => undefined,
  };
}

type Made = { readonly audio: FloatTensor; readonly visual: FloatTensor; readonly target: Float32Array };

function sampleMaker(
  clips: readonly StoredClip[],
  frontEnd: FrontEnd,
  { grids, statistics, classes, smoothing, noise, specAugment: stripes, mixup }: LabelledOptions,
): (clip: StoredClip, stream: Rng) => Made {
  const places = new Map(classes.map((name, place) => [name, place]));
  const numbers = ({ item }: StoredClip) => item.labels.map((label) => places.get(label) ?? -1);
  const pictureOf = ({ frames, times }: StoredClip, stream: Rng): FloatTensor => {
    const chosen = stream.fork("frame").integer(frames.length);
    const [width, height] = [frontEnd.imageSize, frontEnd.imageSize];
    return normalizeFrame({ width, height, data: frames[chosen], time: times[chosen] });
  };
  const mixed = (one: StoredClip, other: StoredClip, share: number): FloatTensor => {
    if (one.waveform === undefined || other.waveform === undefined) {
      throw new Error("clips to be mixed must be stored with their sound");
    }
    return padFrames(logMel(mixWaveforms(one.waveform, other.waveform, share), frontEnd.logMel), frontEnd.frames);
  };
  return (clip, stream) => {
    const draw = stream.fork("partner");
    const partner = mixup && draw.uniform() < mixup.probability ? clips[draw.integer(clips.length)] : undefined;
    const share = partner && mixup ? drawMixupShare(mixup.alpha, stream.fork("share")) : 1;
    const random = stream.fork("augment");
    let spectrogram = partner === undefined ? clip.spectrogram : mixed(clip, partner, share);
    if (stripes) spectrogram = specAugment(spectrogram, stripes, random.fork("stripes"));
    spectrogram = normalizeSpectrogram(spectrogram, statistics.mean, statistics.std);
    if (noise) spectrogram = noiseAndShift(spectrogram, random);
    const own = pictureOf(clip, stream);
    const picture = partner === undefined ? own : mixPictures(own, pictureOf(partner, stream.fork("second")), share);
    const parts = [
      { labels: numbers(clip), share },
      ...(partner === undefined ? [] : [{ labels: numbers(partner), share: 1 - share }]),
    ];
    return {
      audio: cutSpectrogram(spectrogram, grids.audio),
      visual: cutFrame(picture, grids.visual),
      target: labelTarget(parts, classes.length, smoothing),
    };
  };
}
