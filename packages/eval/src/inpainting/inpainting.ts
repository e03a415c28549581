import { KdcError, type Modality } from "@kdc-mae/core";
import { type BootstrapOptions, bootstrap, type Interval, meanOf } from "../bootstrap.js";
import { expectGiven } from "../given.js";
import type { Evaluated } from "../head.js";
import { findProtocol, type Protocol, varyProtocol } from "../protocol.js";
import { protocols } from "../protocols.js";
import { fewerThan } from "../recordings.js";
import { denormalizePatches } from "./denormalize.js";
import { type HiddenErrors, hiddenErrors, type InpaintedBatch, type PixelUnits } from "./hidden-error.js";

/** What the model was trained to predict, and what to do about it. */
export type PixelTargets =
  /** Pixel values as they went in. */
  | "raw"
  /** Per-patch normalised pixels: refused, since the two are not comparable. */
  | "normalized"
  /** Per-patch normalised pixels, brought back with the true patch's mean and deviation; the protocol says so. */
  | "de-normalized";

/** The same for both modalities, or one for each. */
type TargetsByModality = PixelTargets | Readonly<Record<Modality, PixelTargets>>;

const modalities = ["audio", "visual"] as const;

/** The units of the standard front end: RGB in 0–1, natural-log mel energies. */
export const standardUnits: Readonly<Record<Modality, PixelUnits>> = {
  audio: { name: "log-mel energy (natural log)", deviation: [4.4849] },
  visual: { name: "RGB from 0 to 1", deviation: [0.229, 0.224, 0.225], peak: 1 },
};

type InpaintedPair = { readonly audio: InpaintedBatch; readonly visual: InpaintedBatch };

/** Clips with some patches hidden and what a model made of them. */
export type InpaintingInput = {
  /** Batches of both modalities; taken one at a time, so they may be made on the way. */
  readonly batches: Iterable<InpaintedPair> | AsyncIterable<InpaintedPair>;
  readonly targets: TargetsByModality;
  /** The kind of mask, for the protocol's name: `random`, `time` … */
  readonly mask?: string;
  readonly units?: Readonly<Record<Modality, PixelUnits>>;
  readonly protocol?: Protocol;
  readonly leftOut?: Readonly<Record<string, number>>;
  readonly intervals?: BootstrapOptions;
};

/** One modality's figures. mse in normalised units; PSNR in dB, null when nothing is wrong at all. */
export type ModalityInpainting = {
  readonly mse: number;
  readonly meanFill: number;
  readonly psnr: number | null;
  readonly meanFillPsnr: number | null;
  readonly peak: number;
  readonly unit: string;
  readonly intervals: Readonly<Record<"mse" | "meanFill" | "gain" | "psnr", Interval>>;
  /** Mean of meanFill − mse: above 0 the model beats the baseline. */
  readonly gain: number;
  /** One number per clip, for paired tests and groups; `mseInUnits` is what PSNR is pooled from. */
  readonly clips: Readonly<Record<"mse" | "meanFill" | "mseInUnits", readonly number[]>>;
};

/** Errors on hidden patches, each modality beside mean-fill. */
export type InpaintingResult = Evaluated & {
  readonly mask: string;
  /** Share of patches hidden. */
  readonly ratio: Readonly<Record<Modality, number>>;
  /** One word where both modalities were trained alike. */
  readonly targets: TargetsByModality;
  readonly audio: ModalityInpainting;
  readonly visual: ModalityInpainting;
};

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function figures(batches: readonly HiddenErrors[], units: PixelUnits, options?: BootstrapOptions): ModalityInpainting {
  const all = (name: "mse" | "meanFill" | "mseInUnits" | "meanFillInUnits") => batches.flatMap((one) => one[name]);
  const [mse, meanFill] = [all("mse"), all("meanFill")];
  const gains = mse.map((value, clip) => meanFill[clip] - value);
  const low = Math.min(...batches.map(({ range }) => range[0]));
  const high = Math.max(...batches.map(({ range }) => range[1]));
  const peak = units.peak ?? high - low;
  const psnr = (error: number) => 10 * Math.log10((peak * peak) / error);
  const decibel = (error: number) => (error > 0 && peak > 0 ? psnr(error) : null);
  const mseInUnits = all("mseInUnits");
  const inUnits = meanOf(mseInUnits);
  const statistics = {
    mse: meanOf(mse),
    meanFill: meanOf(meanFill),
    gain: meanOf(gains),
    psnr: (counts: Int32Array) => psnr(inUnits(counts)),
  };
  const intervals = bootstrap(mse.length, statistics, options);
  return {
    mse: mean(mse),
    meanFill: mean(meanFill),
    gain: mean(gains),
    psnr: decibel(mean(mseInUnits)),
    meanFillPsnr: decibel(mean(all("meanFillInUnits"))),
    peak,
    unit: units.name,
    intervals,
    clips: { mse, meanFill, mseInUnits },
  };
}

/**
 * Inpainting error on hidden patches beside mean-fill, per modality.
 *
 * @throws KdcError (`norm-pixels`) for a model trained on normalised pixels; (`empty`) for no clips; see `hiddenErrors`
 */
export async function inpainting(input: InpaintingInput): Promise<InpaintingResult> {
  const where = "inpainting";
  expectGiven(where, input, "batches", "targets");
  const { units = standardUnits, mask = "random" } = input;
  const targets = typeof input.targets === "string" ? { audio: input.targets, visual: input.targets } : input.targets;
  const refused = modalities.filter((modality) => targets[modality] === "normalized");
  if (refused.length > 0) {
    throw new KdcError({
      where,
      what: `the model was trained on normalised ${refused.join(" and ")} pixels, so its predictions are not pixels, and their error would not be one of pixels`,
      remedy:
        'Evaluate a model trained without normPixels, or pass targets: "de-normalized" to borrow the true patch statistics and say so',
      reason: "norm-pixels",
    });
  }
  const restored = modalities.filter((modality) => targets[modality] === "de-normalized");
  const restore = (modality: Modality, batch: InpaintedBatch): InpaintedBatch =>
    restored.includes(modality) ? { ...batch, predicted: denormalizePatches(batch.target, batch.predicted) } : batch;
  const audio: HiddenErrors[] = [];
  const visual: HiddenErrors[] = [];
  for await (const batch of input.batches) {
    audio.push(hiddenErrors(restore("audio", batch.audio), units.audio));
    visual.push(hiddenErrors(restore("visual", batch.visual), units.visual));
  }
  const evaluated = audio.reduce((sum, { mse }) => sum + mse.length, 0);
  if (evaluated === 0) {
    throw new KdcError({
      where,
      what: "there are no clips to inpaint",
      remedy: "Check that the split has clips and that not all of them were left out",
      reason: "empty",
    });
  }
  const ratio = { audio: mean(audio.map((one) => one.ratio)), visual: mean(visual.map((one) => one.ratio)) };
  return {
    protocol: withRestored(input.protocol ?? describe(mask, ratio), restored),
    evaluated,
    ...fewerThan(evaluated, input.intervals?.recordings),
    leftOut: input.leftOut ?? {},
    mask,
    ratio,
    targets: targets.audio === targets.visual ? targets.audio : targets,
    audio: figures(audio, units.audio, input.intervals),
    visual: figures(visual, units.visual, input.intervals),
  };
}

/** The standard protocol with this run's mask in it. */
function describe(mask: string, ratio: Readonly<Record<Modality, number>>): Protocol {
  const percent = (share: number) => Math.round(100 * share);
  return varyProtocol(findProtocol(protocols, "inpainting-random-75"), {
    name: `inpainting-${mask}-${percent(ratio.audio)}`,
    frames: `middle frame with the whole spectrogram; ${percent(ratio.audio)} % of the audio and ${percent(ratio.visual)} % of the visual patches hidden, mask kind ${mask}`,
  });
}

/** A protocol that says which predictions were brought back. */
function withRestored(protocol: Protocol, restored: readonly Modality[]): Protocol {
  if (restored.length === 0) return protocol;
  const [only] = restored.length === 1 ? restored : [];
  const [named, said] = only === undefined ? ["", ""] : [`-${only}`, ` of the ${only} modality`];
  return varyProtocol(protocol, {
    name: `${protocol.name}${named}-de-normalized`,
    mode: `pretraining forward of one view, decoder included; model trained on per-patch normalised pixel values${said}`,
    notes: [
      `the model predicts normalised patches${said}; they were brought back with the TRUE mean and deviation of each hidden patch, so these errors are not comparable with those of a model that predicts pixels`,
    ],
  });
}
