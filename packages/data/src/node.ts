export {
  type DecodeAllOptions,
  type DecodedSet,
  type DecodeProgress,
  decodeAll,
  type LeftOut,
} from "./dataset/decode-all.js";
export type { Augmentation } from "./loader/make-sample.js";
export { type LoadedBatch, type Loader, type LoaderOptions, openShards } from "./loader/open-shards.js";
export { type ReadShardsOptions, readShards, type ShardReading } from "./loader/read-shards.js";
export { type ClassLabels, readClassLabels } from "./manifest/class-labels.js";
export type { ManifestItem } from "./manifest/manifest-item.js";
export {
  countItems,
  type Manifest,
  type ManifestFormat,
  type ManifestOptions,
  manifestFormats,
  manifestLine,
  openManifest,
} from "./manifest/read-manifest.js";
export type { DecoderOptions } from "./media/clip-from-output.js";
export type { DecodeRequest, Decoder, FrameChoice, MediaInfo } from "./media/decoder.js";
export { createFluentDecoder } from "./media/ffmpeg.js";
export { createPipesDecoder, type PictureDecoder, type SoundDecoder } from "./media/ffmpeg-pipes.js";
export { type Ffmpeg, type LocateOptions, locateFfmpeg } from "./media/locate-ffmpeg.js";
export type { MediaReason } from "./media/media-error.js";
export { decodeWav } from "./media/wav.js";
export type { PreparedContent } from "./prepare/options.js";
export { type PrepareOptions, type PrepareProgress, prepare } from "./prepare/prepare.js";
export type { DatasetSummary } from "./prepare/summary.js";
export type { RemoteOptions } from "./shards/remote-source.js";
export type { S3Access } from "./shards/s3.js";
export { shardStatistics } from "./shards/shard-set.js";
export { type Verified, verifyShards } from "./shards/verify-shards.js";
export type { Thresholds } from "./survey/inspect-clip.js";
export {
  type Problem,
  type Survey,
  type SurveyOptions,
  type SurveyReason,
  survey,
  surveyReasons,
} from "./survey/survey.js";
export * from "./synthetic/node.js";
export { decodePicture } from "./visual/encode-picture.js";
