import { bothPasses, everyFrame, unmasked } from "../frames-and-passes.js";
import { type Protocol, varyProtocol } from "../protocol.js";

/** How a localization is carried out. */
export type LocalizationConduct = {
  readonly task: "localization";
  readonly scoring: "ez-vsl" | "plain-iou";
  /** Each frame is shown again with another sound. */
  readonly negatives?: "silent" | "off-screen";
  /** Every frame with the sound around it: the audio tokens within so many seconds, or all but so large a share hidden. */
  readonly around?: { readonly seconds: number } | { readonly hidden: number };
};

type LocalizationRecord = { readonly protocol: Protocol; readonly conduct: LocalizationConduct };

export const detectionMetrics = {
  presence: "AP and best F1 of the highest cosine as the confidence that a visible source sounds; chance: random order",
  located:
    "the same, a hit having cIoU ≥ 0.5 as well; recall counts every visible source; chance: random order of random maps; intervals, by a jackknife over clips, are for as many",
};

const ezVsl: Protocol = {
  name: "localization-ez-vsl",
  task: "localization",
  frames: unmasked,
  mode: bothPasses,
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

type Locating = Omit<LocalizationConduct, "task" | "scoring">;

const localization = (
  changes: Partial<Protocol> & { readonly name: string },
  conduct: Locating = {},
): LocalizationRecord => ({
  conduct: { task: "localization", scoring: "ez-vsl", ...conduct },
  protocol: varyProtocol(ezVsl, changes),
});

const eachFrame = "each time step has its own sound and frame; a clip's figure is the mean over its steps";

/** Every frame with the sound around it, of which so much is heard, in words. */
const overTime = (name: string, heard: string, note: string, conduct: Locating): LocalizationRecord =>
  localization(
    {
      name,
      frames: `${everyFrame}, each with the sound around it`,
      pooling: `cosine of the mean of the audio tokens ${heard} with each visual token, bilinear (corners aligned) to the frame, min–max`,
      notes: [eachFrame, note],
    },
    conduct,
  );

const again = "all test clips with a box inside the frame, and each of their frames again with";

/** The localizations this package names, with what is done under each. */
export const localizationProtocols: readonly LocalizationRecord[] = [
  localization({ name: "localization-ez-vsl" }),
  {
    conduct: { task: "localization", scoring: "plain-iou" },
    protocol: {
      ...varyProtocol(ezVsl, {
        name: "localization-plain-iou",
        pooling: "cosine of the mean audio embedding with each visual token, nearest upsampling to the frame, min–max",
        metrics: { ciou: "plain intersection over union of the pixels above 0.5 of the min–max map with the box" },
      }),
      // What is predicted is as large as the map makes it.
      notes: [],
    },
  },
  localization(
    {
      name: "localization-silent",
      gallery: `${again} silence for a sound`,
      metrics: detectionMetrics,
      notes: ["silence is digital: a waveform of zeros"],
    },
    { negatives: "silent" },
  ),
  localization(
    {
      name: "localization-off-screen",
      gallery: `${again} the sound of a test clip of another class, drawn by seed`,
      metrics: detectionMetrics,
      notes: ["a clip's other objects may happen to look like what sounds off screen"],
    },
    { negatives: "off-screen" },
  ),
  overTime(
    "localization-over-time",
    "within half a second of the frame",
    "the audio tokens have attended to the whole clip before they are averaged",
    { around: { seconds: 0.5 } },
  ),
  overTime(
    "localization-sound-windows",
    "of the quarter of the clip around the frame",
    "the other three quarters of the sound are hidden from the encoder, as patches are in masked pretraining",
    { around: { hidden: 0.75 } },
  ),
];
