export { type PowerSpectrum, planPowerSpectrum } from "./audio/fft.js";
export {
  denormalizeSpectrogram,
  type LogMelOptions,
  logMel,
  normalizeSpectrogram,
  padFrames,
  planLogMel,
  silenceLevel,
} from "./audio/log-mel.js";
export { cutFrame, cutSpectrogram } from "./patch/cut.js";
export { pasteFrame, pasteSpectrogram } from "./patch/paste.js";
export { chooseFrames } from "./visual/choose-frames.js";
export { fit } from "./visual/fit.js";
export { denormalizeFrame, imageNet, normalizeFrame } from "./visual/normalize.js";
