import type { MediaDecoder } from "./decoder.js";
import { startCrew } from "./ffmpeg/crew.js";
import { runAlone } from "./ffmpeg/run-alone.js";
import { type DecoderOptions, decoderThrough, usualTimeout } from "./ffmpeg-decoder.js";

/**
 * A decoder that runs one ffmpeg for every clip, after a short one that looks at the file. Sound and pictures come
 * through two pipes; no temporary files.
 *
 * @param ffmpeg path of the program, from `locateFfmpeg`
 *
 * @example
 * ```ts
 * import { createPipesDecoder, locateFfmpeg } from "@kdc-mae/data/node";
 *
 * const decoder = createPipesDecoder((await locateFfmpeg({ env: process.env })).path);
 * const clip = await decoder.decode(
 *   { id: "bell", path: "bell.mp4", labels: [] },
 *   { sampleRate: 16_000, frames: { count: 10, limit: 10 }, size: 224 },
 * );
 * console.log(clip.waveform.samples.length, clip.frames.length); // T samples, 10 pictures of 224 × 224
 * ```
 */
export const createPipesDecoder = (ffmpeg: string, options: DecoderOptions = {}): MediaDecoder =>
  decoderThrough("ffmpeg-pipes", ffmpeg, (job) => runAlone(ffmpeg, job, options.timeoutMs ?? usualTimeout), options);

/** Clips that share a process. */
const together = 16;

/**
 * The default decoder: as `createPipesDecoder`, with the clips that are asked for at the same time in one ffmpeg, whose
 * start (0.1 s with the programs of most Linux distributions) is then paid once for many. A clip that fails is decoded
 * again alone, so a crash or a fault costs that clip only.
 *
 * @param ffmpeg path of the program, from `locateFfmpeg`
 * @param options `processes` of ffmpeg at once, about the number of processor cores
 */
export function createBatchDecoder(
  ffmpeg: string,
  options: DecoderOptions & { readonly processes: number },
): MediaDecoder {
  const { processes, timeoutMs = usualTimeout } = options;
  const run = startCrew(ffmpeg, { processes, together, timeoutMs });
  return { ...decoderThrough("ffmpeg-batches", ffmpeg, run, options), together };
}
