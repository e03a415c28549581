export {
  type DecodeAllOptions,
  type DecodedSet,
  type DecodeProgress,
  decodeAll,
  type LeftOut,
} from "./dataset/decode-all.js";
export type { DecoderOptions } from "./media/clip-from-output.js";
export type { DecodeRequest, Decoder, FrameChoice, MediaInfo } from "./media/decoder.js";
export { createFluentDecoder } from "./media/ffmpeg.js";
export { createPipesDecoder } from "./media/ffmpeg-pipes.js";
export { type Ffmpeg, type LocateOptions, locateFfmpeg } from "./media/locate-ffmpeg.js";
export type { MediaReason } from "./media/media-error.js";
export { decodeWav } from "./media/wav.js";
export * from "./synthetic/node.js";
