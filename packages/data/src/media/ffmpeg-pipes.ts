import type { Clip, ClipItem } from "@kdc-mae/core";
import { assembleClip, chosenTimes, type DecoderOptions, outputLimits, withDefaults } from "./clip-from-output.js";
import { audioOptions, frameOptions, inputOptions, inputPath, pickFrames, spanOf } from "./command.js";
import type { DecodeRequest, Decoder, MediaInfo } from "./decoder.js";
import { expectFile, expectInput } from "./diagnose.js";
import { mediaError } from "./media-error.js";
import { type ProcessOptions, type ProcessResult, runProcess } from "./run-process.js";

/**
 * The default {@link Decoder}: one ffmpeg process per clip, which writes the sound to one pipe and the pictures to
 * another. No temporary files. A request for a `count` of frames of a clip without `end` costs a second, short process
 * that asks for its duration.
 *
 * @param ffmpeg path of the program, from `locateFfmpeg`
 */
export function createPipesDecoder(ffmpeg: string, options: DecoderOptions = {}): Decoder {
  const { timeoutMs, maxBytes } = withDefaults(options);

  const run = async (path: string, args: readonly string[], how: Omit<ProcessOptions, "timeoutMs">) => {
    const result: ProcessResult = await runProcess(ffmpeg, ["-hide_banner", "-nostats", ...args], {
      ...how,
      timeoutMs,
    });
    if (result.killed)
      throw mediaError(path, result.killed, result.killed === "timeout" ? `${timeoutMs} ms` : undefined);
    return result;
  };

  const probe = async (path: string, { signal }: { signal?: AbortSignal } = {}): Promise<MediaInfo> => {
    await expectFile(path);
    const { log } = await run(path, [...inputOptions(), "-i", inputPath(path)], { limits: [0], signal });
    return expectInput(path, log);
  };

  const decode = async (item: ClipItem, request: DecodeRequest): Promise<Clip> => {
    await expectFile(item.path);
    const span = spanOf(item, request.seconds ?? 30);
    const times = await chosenTimes(item, request, span, (path) => probe(path, request));
    const picked = pickFrames(times);
    const args = [
      ...[...inputOptions(span), "-i", inputPath(item.path)],
      ...[...audioOptions(request.sampleRate), "pipe:1"],
      ...[...frameOptions(picked, request.size), "pipe:3"],
    ];
    const limits = outputLimits(request, span, picked, maxBytes);
    const { log, outputs, exitCode } = await run(item.path, args, { limits, signal: request.signal });
    return assembleClip(item, times, picked, { log, exitCode, sound: outputs[0], pictures: outputs[1] });
  };

  return { name: "ffmpeg-pipes", probe, decode };
}
