export {
  type DecodeAllOptions,
  type DecodedSet,
  type DecodeProgress,
  decodeAll,
  type LeftOut,
} from "./dataset/decode-all.js";
export {
  expectSplit,
  type NamedFor,
  type Placing,
  placeClips,
  placingInWords,
  type SplitUse,
} from "./dataset/place-clips.js";
export { recordingsInSplits } from "./dataset/recordings-in-splits.js";
export { type Split, splitNamed } from "./dataset/split-names.js";
export type { Pieces } from "./encode/ffmpeg-run.js";
export { type OverlaidFilm, overlayFilm, type Pictures, putSoundUnder, writeFilm } from "./encode/write-film.js";
export { type MediaStreamRequest, readMediaStream, type StreamedPart } from "./film/media-stream.js";
export type { MediaWindow, WindowsRequest } from "./film/media-window.js";
export { isPicture, readWindows } from "./film/read-windows.js";
export { batchPool as batchThreads } from "./loader/batch-pool.js";
export { ANY_SPLIT, type LeftOutBySplit } from "./loader/left-out-of.js";
export { type LoaderOptions, openShards, type ShardLoader } from "./loader/open-shards.js";
export { type ReadShardsOptions, readShards, type ShardReading } from "./loader/read-shards.js";
export { type ShardStatisticsOptions, shardStatistics } from "./loader/shard-statistics.js";
export { type ClassLabels, readClassLabels } from "./manifest/class-labels.js";
export type { MediaRoot } from "./manifest/confine.js";
export type { ManifestItem } from "./manifest/manifest-item.js";
export { namedRecording, recordingIn } from "./manifest/named-recording.js";
export { countPassedOver, type PassedOver, type PassOver, passedOverInWords } from "./manifest/passed-over.js";
export {
  countItems,
  type Manifest,
  type ManifestFormat,
  type ManifestOptions,
  manifestFormats,
  openManifest,
} from "./manifest/read-manifest.js";
export { splitBy } from "./manifest/split-by.js";
export { type MediaFolder, walkMedia } from "./manifest/walk-media.js";
export { inWindows, type WindowOptions } from "./manifest/windows.js";
export { createDecoder } from "./media/choose-decoder.js";
export type {
  DecodeRequest,
  Decoder,
  FilmDecoder,
  FrameChoice,
  MediaDecoder,
  MediaInfo,
  PictureDecoder,
  SoundDecoder,
} from "./media/decoder.js";
export { encodeWav } from "./media/encode-wav.js";
export { createFluentDecoder } from "./media/ffmpeg.js";
export type { DecoderOptions } from "./media/ffmpeg-decoder.js";
export { createBatchDecoder, createPipesDecoder } from "./media/ffmpeg-pipes.js";
export { type Ffmpeg, type LocateOptions, locateFfmpeg } from "./media/locate-ffmpeg.js";
export { type MediaReason, passingReasons } from "./media/media-error.js";
export { type Beyond, beyondInWords } from "./media/seconds-beyond.js";
export { decodeWav } from "./media/wav.js";
export type { PreparedContent } from "./prepare/options.js";
export { type PreparedTogether, type PrepareOptions, type PrepareProgress, prepare } from "./prepare/prepare.js";
export type { DatasetSummary } from "./prepare/summary.js";
export type { ShardChoice } from "./shards/choose-samples.js";
export type { RemoteOptions } from "./shards/remote-source.js";
export type { S3Access } from "./shards/s3.js";
export { type Verified, verifyShards } from "./shards/verify-shards.js";
export type { Thresholds } from "./survey/inspect-clip.js";
export {
  type Problem,
  type Survey,
  type SurveyOptions,
  type SurveyReason,
  survey,
  surveyedSeconds,
  surveyReasons,
} from "./survey/survey.js";
export * from "./synthetic/node.js";
export { decodePicture } from "./visual/encode-picture.js";
