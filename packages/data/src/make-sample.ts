import { createRng, type FloatTensor, KdcError, type Rng, type Waveform } from "@kdc-mae/core";
import { normalizeSpectrogram, padFrames } from "./audio/log-mel.js";
import { besidePicture } from "./audio/window.js";
import { flipHorizontally } from "./augment/flip.js";
import { drawMixupShare, labelTarget, mixPictures, mixWaveforms } from "./augment/mixup.js";
import { noiseAndShift } from "./augment/noise-and-shift.js";
import { type SpecAugmentOptions, specAugment } from "./augment/spec-augment.js";
import { cutFrame, cutSpectrogram } from "./patch/cut.js";
import { type FrontEnd, type Sample, spectrogramOf } from "./prepare-clip.js";

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

/**
 * A clip as samples are made of it, wherever it comes from: a shard, or memory. What is costly is asked for when it is
 * needed.
 */
export type Recording = {
  /** What it is called in errors. */
  readonly where: string;
  readonly labels: readonly string[];
  /** Log-mel `[T, melBins]`, not normalised; T may be any. */
  readonly spectrogram: () => FloatTensor;
  /** The sound itself, for mixing. */
  readonly waveform: () => Waveform;
  /** How many pictures there are. */
  readonly pictures: number;
  /** When one of them was taken, seconds into the clip, where that is known. */
  readonly time: (index: number) => number | undefined;
  /** One of them, fitted to the front end's size and normalised `[3, S, S]`. */
  readonly picture: (index: number) => FloatTensor | Promise<FloatTensor>;
};

/** A sample as it is trained on: patches, soft labels `[C]` where there are any, and which picture was taken. */
type MadeSample = Sample & { readonly target?: Float32Array; readonly picture: number };

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

/**
 * Makes one sample of a recording: the one way, for pretraining and fine-tuning, from memory and from shards. The same
 * recording, stream and partner give the same numbers wherever and whenever it is done.
 *
 * @param partner what it is mixed with
 * @returns audio and visual `[N, P]`, and where classes are given the target `[C]`
 * @throws KdcError reason `label-unknown`, `no-frame`, and those of the recording
 */
export async function makeSample(
  recording: Recording,
  recipe: SampleRecipe,
  stream: Rng,
  partner?: Recording,
): Promise<MadeSample> {
  const { frontEnd, augment, classes, smoothing } = recipe;
  const { audio, grids } = frontEnd;
  const share = partner ? drawMixupShare(augment.mixup!.alpha, stream.fork("share")) : 1;

  const chosen = choosePicture(recording, recipe.picture, stream);
  const time = recording.time(chosen);
  const whole = padFrames(
    partner
      ? spectrogramOf(mixWaveforms(recording.waveform(), partner.waveform(), share), audio)
      : recording.spectrogram(),
    audio.frames,
  );
  let spectrogram = besidePicture(whole, audio, time);
  const random = stream.fork("augment");
  if (augment.specAugment) spectrogram = specAugment(spectrogram, augment.specAugment, random.fork("stripes"));
  spectrogram = normalizeSpectrogram(spectrogram, audio.mean, audio.std);
  if (augment.noiseAndShift) spectrogram = noiseAndShift(spectrogram, random);

  let picture = await pictureOf(recording, chosen);
  if (partner) {
    const second =
      audio.window === undefined
        ? choosePicture(partner, recipe.picture, stream.fork("second"))
        : pictureAt(partner, time ?? 0);
    picture = mixPictures(picture, await pictureOf(partner, second), share);
  }
  if (augment.flip && stream.fork("flip").uniform() < 0.5) picture = flipHorizontally(picture);

  const parts = [
    { labels: classes ? numbersOf(recording, classes) : [], share },
    ...(partner && classes ? [{ labels: numbersOf(partner, classes), share: 1 - share }] : []),
  ];
  return {
    audio: cutSpectrogram(spectrogram, grids.audio),
    visual: cutFrame(picture, grids.visual),
    picture: chosen,
    ...(classes ? { target: labelTarget(parts, classes.length, smoothing) } : {}),
  };
}

function choosePicture({ pictures }: Recording, which: SampleRecipe["picture"], stream: Rng): number {
  if (which === "random") return stream.fork("frame").integer(Math.max(1, pictures));
  return which === "middle" ? pictures >> 1 : which;
}

/** The picture taken nearest to a time: what goes with the sound there. */
function pictureAt({ pictures, time }: Recording, at: number): number {
  const away = (index: number) => Math.abs((time(index) ?? 0) - at);
  return Array.from({ length: pictures }, (_, index) => index).reduce(
    (best, index) => (away(index) < away(best) ? index : best),
    0,
  );
}

function pictureOf({ where, pictures, picture }: Recording, index: number): FloatTensor | Promise<FloatTensor> {
  if (index < pictures) return picture(index);
  throw new KdcError({
    where,
    what: `there is no picture ${index}; it has ${pictures}`,
    remedy: "Prepare the set with more pictures, or choose one of them",
    reason: "no-frame",
  });
}

const places = new WeakMap<readonly string[], ReadonlyMap<string, number>>();

function numbersOf({ where, labels }: Recording, classes: readonly string[]): number[] {
  const known = places.get(classes) ?? new Map(classes.map((name, index) => [name, index]));
  places.set(classes, known);
  return labels.map((label) => {
    const number = known.get(label);
    if (number !== undefined) return number;
    throw new KdcError({
      where,
      what: `its label ${JSON.stringify(label)} is not one of the ${classes.length} classes`,
      remedy: "Give all classes of the set, in the order of the targets",
      reason: "label-unknown",
    });
  });
}
