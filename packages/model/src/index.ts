export { attentionEntropies } from "./attention-entropies.js";
export { type AttentiveProbeParams, attentiveLogits, initAttentiveProbe } from "./attentive-probe.js";
export { loadImageMae } from "./checkpoint/image-mae.js";
export {
  type Loaded,
  type LoadOptions,
  loadClassifier,
  loadEncoder,
  loadModel,
  withoutPrefix,
} from "./checkpoint/load.js";
export { type OfficialChoices, type OfficialModel, officialModel } from "./checkpoint/official.js";
export { parseSafetensors, safetensorsChunks, type TensorFile } from "./checkpoint/safetensors.js";
export { officialTensors, stateDict } from "./checkpoint/state-dict.js";
export { type ClassifierMode, classify, headLogits, modalitiesOf, officialModes, pooled } from "./classifier.js";
export type { Compat, Departure, PretrainOptions } from "./compat.js";
export { checkConfig, type KeptOfBlock, type ModelConfig, type Pruned, presets } from "./config.js";
export { encodeViews } from "./encode-views.js";
export { features, featuresOf } from "./features.js";
export { globalAttention } from "./global-attention.js";
export { countParameters, initClassifier, initModel, parameterCount } from "./init.js";
export { throughNorms } from "./joint.js";
export type { Attention } from "./nn/attention.js";
export type { Block, BlockNorms, Keep, Mlp } from "./nn/block.js";
export type { Norm } from "./nn/layer-norm.js";
export type { Linear } from "./nn/linear.js";
export { sineCosinePositions } from "./nn/positions.js";
export type {
  Branch,
  ClassifierParams,
  DecoderBranch,
  DecoderParams,
  EncoderParams,
  JointBlock,
  ModelParams,
  SamplerParams,
} from "./params.js";
export { pick, place } from "./place.js";
export { pretrainForward } from "./pretrain.js";
export { type PruneShares, pruneEncoder } from "./prune.js";
export { patchLogProbabilities } from "./sampler.js";
