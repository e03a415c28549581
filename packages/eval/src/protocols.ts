import type { Modality, Stream } from "@kdc-mae/core";
import { everyFrame, unmasked } from "./frames-and-passes.js";
import { type LocalizationConduct, localizationProtocols } from "./localization/localization-protocols.js";
import { type Protocol, varyProtocol } from "./protocol.js";
import { type RetrievalConduct, retrievalProtocols } from "./retrieval/retrieval-protocols.js";

/** How a protocol is carried out: plain data, from which its words are made. */
export type Conduct =
  | { readonly task: "classification"; readonly frames: "middle" | "all"; readonly missing?: Modality }
  | { readonly task: "linear-probe"; readonly stream: Stream }
  | { readonly task: "knn-probe"; readonly stream: Stream; readonly k: number; readonly temperature: number }
  | {
      readonly task: "attentive-probe";
      readonly stream: Stream;
      /** Passes through the training clips, and at least so many steps. */
      readonly epochs: number;
      readonly leastSteps: number;
      /** Learning rates that are tried. */
      readonly rates: readonly number[];
      readonly weightDecay: number;
    }
  | {
      readonly task: "few-shot";
      readonly stream: Stream;
      readonly shots: readonly number[];
      readonly episodes: number;
    }
  | { readonly task: "vggsounder" }
  | RetrievalConduct
  | { readonly task: "inpainting"; readonly mask: keyof typeof maskKinds; readonly ratio: number }
  | LocalizationConduct;

/** A protocol: its words, and what is done, from the same constants. */
export type ProtocolRecord = { readonly protocol: Protocol; readonly conduct: Conduct };

const streams: readonly Stream[] = ["joint", "audio", "visual"];
const modalities: readonly Modality[] = ["visual", "audio"];

/** Of a stream alone: which pass, and which tokens. */
const passOf = (stream: Stream): string => (stream === "joint" ? "joint pass" : `${stream}-only pass`);
const tokensOf = (stream: Stream): string =>
  stream === "joint" ? "joint tokens (audio and visual)" : `${stream} tokens`;

const fineTuned: Protocol = {
  name: "classification-middle-frame",
  task: "classification",
  frames: unmasked,
  mode: "joint pass of a fine-tuned model",
  pooling: "mean of the joint tokens (audio and visual), then the model's own head",
  gallery: "all labelled test clips; accuracy stands beside the majority class of the test set",
  metrics: {
    accuracy: "share of clips whose most probable kind is their label",
    mAP: "mean over kinds of average precision Σ (Rₙ − Rₙ₋₁)·Pₙ, equal scores taken together (scikit-learn); few clips of a kind raise it, so it stands beside that of random scores on as many, and its interval, by a jackknife over clips, is for as many",
    auc: "mean over kinds of the area under the ROC curve, a tie counting one half; its interval by a jackknife over clips",
    dPrime: "√2 · Φ⁻¹(auc)",
    calibration:
      "expected calibration error over 15 equal confidence bins, weighted by their clips; few clips raise it, so it stands beside that of a perfectly calibrated model on as many, and its interval, from an inverted bootstrap, is for as many",
  },
  notes: [],
};

const classification = (frames: "middle" | "all", missing?: Modality): ProtocolRecord => ({
  conduct: { task: "classification", frames, ...(missing === undefined ? {} : { missing }) },
  protocol: varyProtocol(fineTuned, {
    name: `classification${frames === "all" ? "-10-frames" : missing === undefined ? "-middle-frame" : ""}${missing === undefined ? "" : `-missing-${missing}`}`,
    ...(frames === "all" ? { frames: `${everyFrame}, probabilities averaged, nothing hidden` } : {}),
    ...(missing === undefined
      ? {}
      : {
          mode: `model fine-tuned on both, given no ${missing}: mean of the unified-norm pass and the modality-norm pass`,
          pooling: `mean of the ${missing === "audio" ? "visual" : "audio"} tokens of each pass, then the model's own head`,
        }),
  }),
});

const linearProbe = (stream: Stream): ProtocolRecord => ({
  conduct: { task: "linear-probe", stream },
  protocol: varyProtocol(fineTuned, {
    name: `linear-probe-${stream}`,
    mode: `${passOf(stream)}; encoder frozen, one linear layer trained on training clips`,
    pooling: `mean of the ${tokensOf(stream)}`,
    notes: [
      "features standardised with the training clips' mean and deviation; mean cross-entropy + l2/2·|W|², L-BFGS",
      "l2 chosen by accuracy, then by cross-entropy, never on test clips",
    ],
  }),
});

/** How an attentive probe is trained: V-JEPA's settings, two learning rates, and steps enough where clips are few. */
const attending = { epochs: 20, leastSteps: 300, rates: [1e-3, 1e-4], weightDecay: 0.01 } as const;

const attentiveProbe = (stream: Stream): ProtocolRecord => ({
  conduct: { task: "attentive-probe", stream, ...attending },
  protocol: varyProtocol(fineTuned, {
    name: `attentive-probe-${stream}`,
    mode: `${passOf(stream)}; encoder frozen, an attentive probe trained on training clips`,
    pooling: `one learned query attends to the ${tokensOf(stream)}: cross-attention with as many heads as the encoder, MLP, linear layer`,
    notes: [
      `as V-JEPA's probe (Bardes et al. 2024): AdamW, weight decay ${attending.weightDecay} on weights, cosine to 0, ${attending.epochs} epochs or ${attending.leastSteps} steps, whichever are more, batches of at most 32; the last weights`,
      "learning rate chosen by accuracy, then by cross-entropy, never on test clips; one start and one order of clips, by seed: intervals are over clips and hold nothing of what another start would give",
    ],
  }),
});

/** The nearest training clips vote: how many, and how a vote weighs. */
export const voting = { k: 20, temperature: 0.07 } as const;

const knnProbe = (stream: Stream): ProtocolRecord => ({
  conduct: { task: "knn-probe", stream, ...voting },
  protocol: varyProtocol(fineTuned, {
    name: `knn-probe-${stream}`,
    mode: `${passOf(stream)}; encoder frozen, nothing trained: the ${voting.k} nearest training clips vote`,
    pooling: `mean of the ${tokensOf(stream)}, L2-normalised`,
    notes: [
      `a vote weighs exp(cosine / ${voting.temperature}) (Wu et al. 2018, as DINO uses it); nothing is chosen on any clips`,
    ],
  }),
});

/** A few training clips of every kind stand for it: how many, and how often they are drawn. */
export const drawing = { shots: [1, 2, 5, 10], episodes: 200 } as const;

const inWords = (numbers: readonly number[]): string => `${numbers.slice(0, -1).join(", ")} or ${numbers.at(-1)}`;

const fewShot = (stream: Stream): ProtocolRecord => ({
  conduct: { task: "few-shot", stream, ...drawing },
  protocol: {
    name: `few-shot-${stream}`,
    task: "classification",
    frames: unmasked,
    mode: `${passOf(stream)}; encoder frozen; per episode ${inWords(drawing.shots)} training clips of every kind, drawn by seed`,
    pooling: `mean of the ${tokensOf(stream)}, L2-normalised; each kind is the mean of its clips`,
    gallery: `all labelled test clips in each of ${drawing.episodes} episodes; accuracy stands beside a guess`,
    metrics: {
      accuracy: "mean over episodes of the mean over kinds of their recall; nearest kind by cosine",
    },
    notes: ["intervals resample episodes: other draws of labelled clips, on the same test clips and the same model"],
  },
});

const vggSounder: ProtocolRecord = {
  conduct: { task: "vggsounder" },
  protocol: {
    name: "vggsounder",
    task: "classification",
    frames: unmasked,
    mode: "joint pass of a fine-tuned model, and the same model without pictures and without sound",
    pooling: "mean of the tokens that are there, then the model's own head; the most probable class is what it says",
    gallery:
      "VGGSound's test clips under VGGSounder's labels (arXiv 2508.08237): any number of labels, each heard, seen or both",
    metrics: {
      f1: "micro F1 of the said class against all labels of that sort: heard for sound alone, seen for pictures alone, heard and seen for both",
      "hit rate": "share of clips with such labels whose said class is one of them",
      confusion:
        "share of clips that the model gets right with one modality and wrong with both: with sound (μ_A), with pictures (μ_V), with each of the two (μ_A∩V), with either",
    },
    notes: ["its galleries and labels are its own: not to be put in one column with accuracy on VGGSound"],
  },
};

/** What is hidden in inpainting, in words. */
const maskKinds = {
  random: "patches of both hidden at random",
  time: "whole moments of the spectrogram hidden; patches of the picture at random",
  frequency: "whole frequency bands of the spectrogram hidden; patches of the picture at random",
  "time-frequency":
    "all of the spectrogram but a block of some bands by some moments hidden; patches of the picture at random",
} as const;

/** Inpainting with such a share of the patches hidden. */
export const inpaintingProtocol = (mask: keyof typeof maskKinds, ratio: number): ProtocolRecord => {
  const percent = Math.round(100 * ratio);
  return {
    conduct: { task: "inpainting", mask, ratio },
    protocol: {
      name: `inpainting-${mask}-${percent}`,
      task: "inpainting",
      frames: `middle frame with the whole spectrogram; ${percent} % of the patches of each hidden: ${maskKinds[mask]}`,
      mode: "pretraining forward of one view, decoder included; model trained on raw (normalised-input) pixel values",
      pooling: "none",
      gallery: "hidden patches only; beside them the mean-fill baseline",
      metrics: {
        mse: "mean over clips of the mean squared error over the hidden patches' values, in normalised units",
        psnr: "10·log₁₀(peak² / mse) in dB, in the original units, pooled over all hidden values",
        meanFill: "the same error when every hidden patch is the mean of that clip's visible patches, place by place",
      },
      notes: [],
    },
  };
};

/** The protocols this package names, with what is done under each. */
export const protocolRecords: readonly ProtocolRecord[] = [
  classification("middle"),
  classification("all"),
  ...modalities.map((missing) => classification("middle", missing)),
  classification("all", "audio"),
  ...[linearProbe, attentiveProbe, knnProbe, fewShot].flatMap((probe) => streams.map(probe)),
  vggSounder,
  ...retrievalProtocols,
  ...(["random", "time", "frequency", "time-frequency"] as const).flatMap((mask) =>
    [0.5, 0.75, 0.9].map((ratio) => inpaintingProtocol(mask, ratio)),
  ),
  ...localizationProtocols,
];

/** Their words. Vary one with `varyProtocol`; anybody's own list works as well. */
export const protocols: readonly Protocol[] = protocolRecords.map(({ protocol }) => protocol);
