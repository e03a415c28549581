import type { MediaDecoder } from "./decoder.js";
import type { DecoderName } from "./decoder-names.js";
import { createFluentDecoder } from "./ffmpeg.js";
import type { DecoderOptions } from "./ffmpeg-decoder.js";
import { createBatchDecoder, createPipesDecoder } from "./ffmpeg-pipes.js";

/**
 * A decoder by its name.
 *
 * @param ffmpeg path of the program, from `locateFfmpeg`
 * @param options `processes` of ffmpeg at once, which matters to `ffmpeg-batches` alone
 */
export function createDecoder(
  name: DecoderName,
  ffmpeg: string,
  options: DecoderOptions & { readonly processes: number },
): MediaDecoder {
  if (name === "ffmpeg-batches") return createBatchDecoder(ffmpeg, options);
  return name === "ffmpeg-pipes" ? createPipesDecoder(ffmpeg, options) : createFluentDecoder(ffmpeg, options);
}
