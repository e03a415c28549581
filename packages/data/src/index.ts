export { type InvertOptions, invertLogMel } from "./audio/invert-log-mel.js";
export {
  denormalizeSpectrogram,
  type LogMelOptions,
  logMel,
  normalizeSpectrogram,
  padFrames,
  silenceLevel,
} from "./audio/log-mel.js";
export { createLogMelStream, type LogMelStream } from "./audio/log-mel-stream.js";
export { createResampler, type Resampler, resample } from "./audio/resample.js";
export { besidePicture, windowStart } from "./audio/window.js";
export { flipHorizontally } from "./augment/flip.js";
export { drawMixupShare, labelTarget, mixPictures, mixWaveforms, type SharedLabels } from "./augment/mixup.js";
export { noiseAndShift } from "./augment/noise-and-shift.js";
export { type SpecAugmentOptions, specAugment } from "./augment/spec-augment.js";
export { type Batch, type BatchesOptions, batches } from "./dataset/batches.js";
export { type DealSplits, dealFrom } from "./dataset/deal-from.js";
export { balancedWeights, shuffledOrder, weightedOrder } from "./dataset/sampler.js";
export { planWindows } from "./film/plan-windows.js";
export { type RecordingParts, windowsOf } from "./film/windows-of.js";
export { type ClipCutter, clipCutter, type Shown } from "./loader/clip-cutter.js";
export { type BatchOptions, type ClipTold, type LoadedBatch, type Loader, stepsPerEpoch } from "./loader/loader.js";
export { openStoredClips } from "./loader/open-stored-clips.js";
export type { Augmentation, SampleRecipe } from "./make-sample.js";
export { type DecoderName, decoderNames } from "./media/decoder-names.js";
export { cutFrame, cutSpectrogram } from "./patch/cut.js";
export { pasteFrame, pasteSpectrogram } from "./patch/paste.js";
export {
  type AudioForm,
  type AudioFrontEnd,
  assembleBatch,
  audioPatches,
  type FrontEnd,
  prepareClip,
  publishedAudio,
  type Sample,
  spectrogramOf,
  visualPatches,
} from "./prepare-clip.js";
export { type StoredClip, type StoredForm, storeClip } from "./stored-clip.js";
export * from "./synthetic/index.js";
export { chooseFrames } from "./visual/choose-frames.js";
export { fit } from "./visual/fit.js";
export { denormalizeFrame, imageNet, normalizeFrame } from "./visual/normalize.js";
