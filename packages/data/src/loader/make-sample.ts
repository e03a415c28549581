import { createRng, type FloatTensor, type Frame, KdcError, type Rng } from "@kdc-mae/core";
import { normalizeSpectrogram, padFrames } from "../audio/log-mel.js";
import { flipHorizontally } from "../augment/flip.js";
import { drawMixupShare, labelTarget, mixPictures, mixWaveforms } from "../augment/mixup.js";
import { noiseAndShift } from "../augment/noise-and-shift.js";
import { type SpecAugmentOptions, specAugment } from "../augment/spec-augment.js";
import { cutFrame, cutSpectrogram } from "../patch/cut.js";
import { type FrontEnd, type Sample, spectrogramOf } from "../prepare-clip.js";
import { readSample, type ShardSample } from "../shards/sample.js";
import { decodePicture } from "../visual/encode-picture.js";
import { fit } from "../visual/fit.js";
import { normalizeFrame } from "../visual/normalize.js";

/** What is done to samples at random. Everything is left out unless asked for. */
export type Augmentation = {
  /** Noise and circular time shift on the normalised spectrogram. */
  readonly noiseAndShift?: boolean;
  /** Stripes blanked before normalisation. */
  readonly specAugment?: SpecAugmentOptions;
  /** With this probability a sample is mixed with another one of the set, in a share from Beta(alpha, alpha). */
  readonly mixup?: { readonly probability: number; readonly alpha: number };
  /** Half of the pictures are mirrored. */
  readonly flip?: boolean;
};

/** Everything about a run that making a sample needs; plain data, so that it can be sent to a worker. */
export type SampleRecipe = {
  readonly frontEnd: FrontEnd;
  readonly augment: Augmentation;
  /** Which picture: drawn at random, the one in the middle, or this number. */
  readonly picture: "random" | "middle" | number;
  /** Class names in the order of the targets; left out: no targets. */
  readonly classes?: readonly string[];
  /** ε of the targets. */
  readonly smoothing: number;
};

/** One sample to be made: its piece of a shard, its stream's name, and its partner where it is mixed. */
export type SampleJob = {
  readonly stream: string;
  readonly bytes: Uint8Array;
  readonly where: string;
  /** As the set's index has them. */
  readonly labels: readonly string[];
  readonly partner?: Pick<SampleJob, "bytes" | "where" | "labels">;
};

export type MadeSample = Sample & { readonly target?: Float32Array; readonly picture: number };

/** The stream of a sample: everything random about it follows from seed, epoch, sample and how often it came before. */
export const sampleStream = (stream: string): Rng => createRng(stream);

/** The name of that stream, equal to forking "clip", epoch and id from the seed. */
export const streamName = (seed: number | string, epoch: number, id: string, occurrence: number): string =>
  `${seed}/clip/${epoch}/${id}${occurrence === 0 ? "" : `/${occurrence}`}`;

/** Whether a sample is mixed, and with which of `count` others: known before anything is read. */
export function drawPartner(stream: Rng, { mixup }: Augmentation, count: number): number | undefined {
  if (!mixup) return undefined;
  const draw = stream.fork("partner");
  return draw.uniform() < mixup.probability ? draw.integer(count) : undefined;
}

/** Makes one sample. The same job gives the same numbers wherever and whenever it is done. */
export async function makeSample(job: SampleJob, recipe: SampleRecipe): Promise<MadeSample> {
  const { frontEnd, augment, classes, smoothing } = recipe;
  const { audio, visual, grids } = frontEnd;
  const stream = sampleStream(job.stream);
  const own = readSample(job.bytes, job.where);
  const other = job.partner && readSample(job.partner.bytes, job.partner.where);
  const share = other ? drawMixupShare(augment.mixup!.alpha, stream.fork("share")) : 1;

  let spectrogram = padFrames(
    other
      ? spectrogramOf(mixWaveforms(own.waveform(), other.waveform(), share), audio)
      : (own.logMel?.() ?? spectrogramOf(own.waveform(), audio)),
    audio.frames,
  );
  const random = stream.fork("augment");
  if (augment.specAugment) spectrogram = specAugment(spectrogram, augment.specAugment, random.fork("stripes"));
  spectrogram = normalizeSpectrogram(spectrogram, audio.mean, audio.std);
  if (augment.noiseAndShift) spectrogram = noiseAndShift(spectrogram, random);

  const chosen = choosePicture(own, recipe.picture, stream);
  let picture = await pictureOf(own, chosen, job.where, visual.size);
  if (other) {
    const second = choosePicture(other, recipe.picture, stream.fork("second"));
    picture = mixPictures(picture, await pictureOf(other, second, job.partner!.where, visual.size), share);
  }
  if (augment.flip && stream.fork("flip").uniform() < 0.5) picture = flipHorizontally(picture);

  const parts = [
    { labels: classes ? numbersOf(own.key, job.labels, classes, job.where) : [], share },
    ...(other && classes
      ? [{ labels: numbersOf(other.key, job.partner!.labels, classes, job.partner!.where), share: 1 - share }]
      : []),
  ];
  return {
    audio: cutSpectrogram(spectrogram, grids.audio),
    visual: cutFrame(picture, grids.visual),
    picture: chosen,
    ...(classes ? { target: labelTarget(parts, classes.length, smoothing) } : {}),
  };
}

function choosePicture({ pictures }: ShardSample, which: SampleRecipe["picture"], stream: Rng): number {
  if (which === "random") return stream.fork("frame").integer(Math.max(1, pictures.length));
  return which === "middle" ? pictures.length >> 1 : which;
}

async function pictureOf(
  { key, pictures, notes }: ShardSample,
  index: number,
  where: string,
  size: number,
): Promise<FloatTensor> {
  const file = pictures[index];
  if (!file) {
    throw new KdcError({
      where: `${where}, sample ${key}`,
      what: `there is no picture ${index}; it has ${pictures.length}`,
      remedy: "Prepare the set with more pictures, or choose one of them",
      reason: "no-frame",
    });
  }
  const frame: Frame = await decodePicture(file, `${where}, sample ${key}, picture ${index}`, notes.times?.[index]);
  return normalizeFrame(fit(frame, size));
}

const places = new WeakMap<readonly string[], ReadonlyMap<string, number>>();

function numbersOf(key: string, labels: readonly string[], classes: readonly string[], where: string): number[] {
  const known = places.get(classes) ?? new Map(classes.map((name, index) => [name, index]));
  places.set(classes, known);
  return labels.map((label) => {
    const number = known.get(label);
    if (number !== undefined) return number;
    throw new KdcError({
      where: `${where}, sample ${key}`,
      what: `its label ${JSON.stringify(label)} is not one of the ${classes.length} classes`,
      remedy: "Give all classes of the set, in the order of the targets",
      reason: "label-unknown",
    });
  });
}
