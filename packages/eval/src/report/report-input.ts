import type { Stream } from "@kdc-mae/core";
import type { ClassificationResult } from "../classification/classification.js";
import type { InpaintingResult } from "../inpainting/inpainting.js";
import type { LocalizationResult } from "../localization/localization.js";
import type { RetrievalResult } from "../retrieval/retrieval.js";
import type { Picture } from "./pictures.js";

/** A picture, or one already encoded as a `data:image/…` address. */
export type Image = Picture | string;

/** A frame with its spectrogram. */
export type ImagePair = { readonly frame: Image; readonly spectrogram: Image };

/** One clip to look at. */
export type ClipPictures = {
  readonly id: string;
  readonly label: string;
  readonly original: ImagePair;
  /** What each view sees. */
  readonly views: readonly ImagePair[];
  /** What each view makes of it. */
  readonly reconstructions: readonly ImagePair[];
  /** How likely each patch is to be seen, where a network draws the views. */
  readonly likely?: ImagePair;
  /** Similarity over the frame, with the true box where it is known. */
  readonly heat?: Image;
  readonly ciou?: number;
  /** The same over time, shown as a moving strip. */
  readonly reel?: readonly ReelStep[];
};

/** One step of a moving strip; all steps are of one size. */
export type ReelStep = {
  /** Similarity of the sound around the frame over the frame. */
  readonly heat: Picture;
  /** Which stretch of the clip's sound that is, as shares of the spectrogram's length. */
  readonly heard: readonly [from: number, to: number];
};

/** One query with what it found, nearest first. */
export type RetrievalExample = {
  readonly direction: "audioToVisual" | "visualToAudio";
  readonly query: { readonly label: string; readonly image: Image };
  /** Place of the right answer, 1 best. */
  readonly place: number;
  readonly found: readonly {
    readonly label: string;
    readonly image: Image;
    readonly cosine: number;
    /** The other half of the same clip. */
    readonly right: boolean;
  }[];
};

/** One clip inpainted under several masks. */
export type InpaintingStrip = {
  readonly label: string;
  readonly original: ImagePair;
  readonly masks: readonly { readonly caption: string; readonly masked: ImagePair; readonly restored: ImagePair }[];
};

/** Everything a report is made of. Only what is given is shown. */
export type ReportInput = {
  readonly title: string;
  /** One or two sentences: what was run. */
  readonly summary?: string;
  readonly engine: string;
  readonly dataset: {
    readonly train: number;
    readonly validation?: number;
    readonly test: number;
    readonly kinds: readonly string[];
    readonly leftOut: Readonly<Record<string, number>>;
  };
  /** What each phase took; only phases that the report's maker timed. */
  readonly seconds: Readonly<Record<"media" | "evaluate" | "total", number>> & { readonly pretrain?: number };
  /** What was set, line by line: model, steps, batch, seed, command … */
  readonly settings?: readonly (readonly [name: string, value: string])[];
  /** Training curves: one value of every series per step. */
  readonly losses?: {
    readonly steps: readonly number[];
    readonly series: Readonly<Record<string, readonly number[]>>;
  };
  readonly retrieval?: RetrievalResult;
  readonly classification?: Readonly<Record<Stream, ClassificationResult>>;
  /** The first is the headline; the others are other masks. */
  readonly inpainting?: readonly InpaintingResult[];
  readonly localization?: LocalizationResult;
  readonly clips?: readonly ClipPictures[];
  readonly retrievalExamples?: readonly RetrievalExample[];
  readonly inpaintingStrips?: readonly InpaintingStrip[];
  /** What must be known about how the model's pictures were made, such as borrowed patch statistics. */
  readonly pictureNote?: string;
};
