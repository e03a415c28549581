import type { Modality } from "@kdc-mae/core";
import { type Protocol, varyProtocol } from "./protocol.js";

const unmasked = "middle frame of the clip with the whole spectrogram, nothing hidden";

const fineTuned: Protocol = {
  name: "classification-middle-frame",
  task: "classification",
  frames: unmasked,
  mode: "joint pass of a fine-tuned model",
  pooling: "mean of the joint tokens (audio and visual), then the model's own head",
  gallery: "all labelled test clips; accuracy stands beside the majority class of the test set",
  metrics: {
    accuracy: "share of clips whose most probable kind is their label",
    mAP: "mean over kinds of average precision Σ (Rₙ − Rₙ₋₁)·Pₙ, equal scores taken together (scikit-learn)",
    auc: "mean over kinds of the area under the ROC curve, a tie counting one half",
    dPrime: "√2 · Φ⁻¹(auc)",
    calibration:
      "expected calibration error over 15 equal confidence bins, weighted by their clips; few clips raise it, so it stands beside that of a perfectly calibrated model on as many, and its interval is for as many",
  },
  notes: [],
};

const tenFrames =
  "every frame of the clip (ten equally spaced over at most 10 s), probabilities averaged, nothing hidden";

const missing = (modality: Modality): Protocol =>
  varyProtocol(fineTuned, {
    name: `classification-missing-${modality}`,
    mode: `model fine-tuned on both, given no ${modality}: mean of the unified-norm pass and the modality-norm pass`,
    pooling: `mean of the ${modality === "audio" ? "visual" : "audio"} tokens of each pass, then the model's own head`,
  });

const probeJoint = varyProtocol(fineTuned, {
  name: "linear-probe-joint",
  mode: "joint pass; encoder frozen, one linear layer trained on training clips",
  pooling: "mean of the joint tokens (audio and visual)",
  notes: [
    "features standardised with the training clips' mean and deviation; mean cross-entropy + l2/2·|W|², L-BFGS",
    "l2 chosen by accuracy, then by cross-entropy, never on test clips",
  ],
});

const knnJoint = varyProtocol(fineTuned, {
  name: "knn-probe-joint",
  mode: "joint pass; encoder frozen, nothing trained: the 20 nearest training clips vote",
  pooling: "mean of the joint tokens (audio and visual), L2-normalised",
  notes: ["a vote weighs exp(cosine / 0.07) (Wu et al. 2018, as DINO uses it); nothing is chosen on any clips"],
});

const fewShotJoint: Protocol = {
  name: "few-shot-joint",
  task: "classification",
  frames: unmasked,
  mode: "joint pass; encoder frozen; per episode 1, 2, 5 or 10 training clips of every kind, drawn by seed",
  pooling: "mean of the joint tokens (audio and visual), L2-normalised; each kind is the mean of its clips",
  gallery: "all labelled test clips in each of 200 episodes; accuracy stands beside a guess",
  metrics: {
    accuracy: "mean over episodes of the mean over kinds of their recall; nearest kind by cosine",
  },
  notes: ["intervals resample episodes: other draws of labelled clips, on the same test clips and the same model"],
};

const vggSounder: Protocol = {
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
    confusion: "share of clips that the model gets right with one modality and wrong with both",
  },
  notes: ["its galleries and labels are its own: not to be put in one column with accuracy on VGGSound"],
};

/** The same on one stream alone. */
const ofStream = (base: Protocol, stream: Modality): Protocol =>
  varyProtocol(base, {
    name: base.name.replace("joint", stream),
    mode: base.mode.replace("joint pass", `${stream}-only pass`),
    pooling: base.pooling.replace("joint tokens (audio and visual)", `${stream} tokens`),
  });

const retrieval: Protocol = {
  name: "retrieval-middle-frame",
  task: "retrieval",
  frames: unmasked,
  mode: "audio-only pass and visual-only pass of the pretrained model, no training for the task",
  pooling: "mean of the audio tokens and mean of the visual tokens, L2-normalised",
  gallery: "every evaluated clip once; the right answer is the other half of the same clip",
  metrics: {
    r1: "share of queries with rank below 1; rank = number of gallery items with strictly greater cosine",
    r5: "share of queries with rank below 5",
    r10: "share of queries with rank below 10",
    medianRank: "median of rank + 1 (1 is best)",
  },
  notes: ["ties favour the model under this rank; the share of tied queries is reported beside it"],
};

const inpainting: Protocol = {
  name: "inpainting-random-75",
  task: "inpainting",
  frames: "middle frame with the whole spectrogram; 75 % of the patches of each hidden at random",
  mode: "pretraining forward of one view, decoder included; model trained on raw (normalised-input) pixel values",
  pooling: "none",
  gallery: "hidden patches only; beside them the mean-fill baseline",
  metrics: {
    mse: "mean over clips of the mean squared error over the hidden patches' values, in normalised units",
    psnr: "10·log₁₀(peak² / mse) in dB, in the original units, pooled over all hidden values",
    meanFill: "the same error when every hidden patch is the mean of that clip's visible patches, place by place",
  },
  notes: [],
};

/** Hidden shares and mask kinds that inpainting is told at. */
const maskRatios = [50, 75, 90] as const;
const maskKinds = {
  random: "patches of both hidden at random",
  time: "whole moments of the spectrogram hidden; patches of the picture at random",
  frequency: "whole frequency bands of the spectrogram hidden; patches of the picture at random",
  "time-frequency":
    "all of the spectrogram but a block of some bands by some moments hidden; patches of the picture at random",
} as const;

const inpaintings: readonly Protocol[] = Object.entries(maskKinds).flatMap(([kind, words]) =>
  maskRatios.map((ratio) =>
    varyProtocol(inpainting, {
      name: `inpainting-${kind}-${ratio}`,
      frames: `middle frame with the whole spectrogram; ${ratio} % of the patches of each hidden: ${words}`,
    }),
  ),
);

export const detectionMetrics = {
  presence: "AP and best F1 of the highest cosine as the confidence that a visible source sounds; chance: random order",
  located:
    "the same, a hit having cIoU ≥ 0.5 as well; recall counts every visible source; chance: random order of random maps; intervals are for as many clips",
};

const localization: Protocol = {
  name: "localization-ez-vsl",
  task: "localization",
  frames: unmasked,
  mode: "audio-only pass and visual-only pass of the pretrained model, no training for the task",
  pooling:
    "cosine of the mean audio embedding with each visual token, bilinear (corners aligned) to the frame, min–max",
  gallery: "all test clips with a box inside the frame; beside them a fixed box in the centre of the frame",
  metrics: {
    ciou: "Σ(pred·gt) / (Σgt + Σ(pred where gt = 0)), pred = pixels at or above the map's upper median (EZ-VSL)",
    ciou50: "share of clips with cIoU ≥ 0.5",
    auc: "area (trapezoid) under the share of clips with cIoU ≥ t, t = 0, 0.05 … 1",
    pixelAP: "average precision of the map's pixels against the box's pixels, mean over clips",
  },
  notes: ["half of the frame is always predicted, so boxes under a quarter of the frame cannot reach cIoU 0.5"],
};

/** The protocols this package names. Vary one with `varyProtocol`; anybody's own list works as well. */
export const protocols: readonly Protocol[] = [
  probeJoint,
  varyProtocol(probeJoint, {
    name: "linear-probe-audio",
    mode: "audio-only pass; encoder frozen, one linear layer trained on training clips",
    pooling: "mean of the audio tokens",
  }),
  varyProtocol(probeJoint, {
    name: "linear-probe-visual",
    mode: "visual-only pass; encoder frozen, one linear layer trained on training clips",
    pooling: "mean of the visual tokens",
  }),
  ...[knnJoint, fewShotJoint].flatMap((base) => [base, ofStream(base, "audio"), ofStream(base, "visual")]),
  vggSounder,
  fineTuned,
  varyProtocol(fineTuned, {
    name: "classification-10-frames",
    frames: tenFrames,
  }),
  missing("visual"),
  missing("audio"),
  varyProtocol(missing("audio"), { name: "classification-10-frames-missing-audio", frames: tenFrames }),
  retrieval,
  varyProtocol(retrieval, {
    name: "retrieval-five-per-class",
    gallery: "five test clips of every class, drawn by seed; the right answer is the other half of the same clip",
  }),
  ...inpaintings,
  localization,
  varyProtocol(localization, {
    name: "localization-plain-iou",
    pooling: "cosine of the mean audio embedding with each visual token, nearest upsampling to the frame, min–max",
    metrics: { ciou: "plain intersection over union of the pixels above 0.5 of the min–max map with the box" },
  }),
  varyProtocol(localization, {
    name: "localization-silent",
    gallery: "all test clips with a box inside the frame, and each of their frames again with silence for a sound",
    metrics: detectionMetrics,
    notes: ["silence is digital: a waveform of zeros"],
  }),
  varyProtocol(localization, {
    name: "localization-off-screen",
    gallery:
      "all test clips with a box inside the frame, and each of their frames again with the sound of a test clip of another class, drawn by seed",
    metrics: detectionMetrics,
    notes: ["a clip's other objects may happen to look like what sounds off screen"],
  }),
  varyProtocol(localization, {
    name: "localization-over-time",
    frames: "every frame of the clip (ten equally spaced over at most 10 s), each with the sound around it",
    pooling:
      "cosine of the mean of the audio tokens within half a second of the frame with each visual token, bilinear (corners aligned) to the frame, min–max",
    notes: [
      "each time step has its own sound and frame; a clip's figure is the mean over its steps",
      "the audio tokens have attended to the whole clip before they are averaged",
    ],
  }),
  varyProtocol(localization, {
    name: "localization-sound-windows",
    frames: "every frame of the clip (ten equally spaced over at most 10 s), each with the sound around it",
    pooling:
      "cosine of the mean of the audio tokens of the quarter of the clip around the frame with each visual token, bilinear (corners aligned) to the frame, min–max",
    notes: [
      "each time step has its own sound and frame; a clip's figure is the mean over its steps",
      "the other three quarters of the sound are hidden from the encoder, as patches are in masked pretraining",
    ],
  }),
];
