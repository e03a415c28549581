import type { Clip, ClipItem, Frame, Waveform } from "@kdc-mae/core";
import {
  assembleClip,
  assemblePictures,
  assembleSound,
  chosenTimes,
  type DecoderOptions,
  outputLimits,
  soundLimit,
  withDefaults,
} from "./clip-from-output.js";
import { audioOptions, frameOptions, inputOptions, inputPath, pickFrames, spanOf } from "./command.js";
import type { DecodeRequest, Decoder, MediaInfo } from "./decoder.js";
import { expectFile, expectInput } from "./diagnose.js";
import { mediaError, withLastLines } from "./media-error.js";
import { type ProcessOptions, type ProcessResult, runProcess } from "./run-process.js";

/**
 * The default {@link Decoder}: one ffmpeg process per clip, which writes the sound to one pipe and the pictures to
 * another. No temporary files. A request for a `count` of frames of a clip without `end` costs a second, short process
 * that asks for its duration.
 *
 * @param ffmpeg path of the program, from `locateFfmpeg`
 */
export function createPipesDecoder(
  ffmpeg: string,
  options: DecoderOptions = {},
): Decoder & SoundDecoder & PictureDecoder {
  const { timeoutMs, maxBytes } = withDefaults(options);

  const run = async (path: string, args: readonly string[], how: Omit<ProcessOptions, "timeoutMs">) => {
    const once = (): Promise<ProcessResult> =>
      runProcess(ffmpeg, ["-hide_banner", "-nostats", ...args], { ...how, timeoutMs });
    const first = await once();
    // Somebody short of memory kills what he finds; the file need not be at fault.
    const result = first.killed === "killed" ? await once() : first;
    if (!result.killed) return result;
    const detail = result.killed === "timeout" ? `${timeoutMs} ms` : undefined;
    throw withLastLines(mediaError(path, result.killed, detail), result.log);
  };

  const look = async (path: string, signal?: AbortSignal): Promise<{ info: MediaInfo; log: string }> => {
    await expectFile(path);
    const { log } = await run(path, [...inputOptions(), "-i", inputPath(path)], { limits: [0], signal });
    return { info: explained(log, () => expectInput(path, log)), log };
  };
  const probe: Decoder["probe"] = async (path, { signal } = {}) => (await look(path, signal)).info;

  const decode = async (item: ClipItem, request: DecodeRequest): Promise<Clip> => {
    await expectFile(item.path);
    const span = spanOf(item, request.seconds ?? 30);
    let probed = "";
    const times = await chosenTimes(item, request, span, async (path) => {
      const { info, log } = await look(path, request.signal);
      probed = log;
      return info;
    }).catch((error) => {
      throw probed === "" ? error : withLastLines(error, probed);
    });
    const picked = pickFrames(times);
    const args = [
      ...[...inputOptions(span), "-i", inputPath(item.path)],
      ...[...audioOptions(request.sampleRate), "pipe:1"],
      ...[...frameOptions(picked, request.size), "pipe:3"],
    ];
    const limits = outputLimits(request, span, picked, maxBytes);
    const { log, outputs, exitCode } = await run(item.path, args, { limits, signal: request.signal });
    const output = { log, exitCode, sound: outputs[0], pictures: outputs[1] };
    return explained(log, () => assembleClip(item, times, picked, output));
  };

  const decodeSound: SoundDecoder["decodeSound"] = async (item, request) => {
    await expectFile(item.path);
    const span = spanOf(item, request.seconds ?? 30);
    const args = [...inputOptions(span), "-i", inputPath(item.path), ...audioOptions(request.sampleRate), "pipe:1"];
    const limits = [soundLimit(request.sampleRate, span)];
    const { log, outputs, exitCode } = await run(item.path, args, { limits, signal: request.signal });
    return explained(log, () => assembleSound(item, { log, exitCode, sound: outputs[0] }));
  };

  const decodePictures: PictureDecoder["decodePictures"] = async (item, { times, size, signal }) => {
    await expectFile(item.path);
    const span = spanOf(item, 30);
    const picked = pickFrames(times);
    const args = [...inputOptions(span), "-i", inputPath(item.path), ...frameOptions(picked, size), "pipe:1"];
    const limits = [size === undefined ? maxBytes : picked.gridFrames.length * size ** 2 * 3];
    const { log, outputs, exitCode } = await run(item.path, args, { limits, signal });
    return explained(log, () => assemblePictures(item, times, picked, { log, exitCode, pictures: outputs[0] }));
  };

  return { name: "ffmpeg-pipes", probe, decode, decodeSound, decodePictures };
}

/** Reads pictures of a file that need not hold sound. */
export type PictureDecoder = {
  /**
   * @param request `times` in seconds from the item's start, at least one; `size` as in {@link DecodeRequest}
   * @throws KdcError with a {@link MediaReason}
   */
  decodePictures(
    item: ClipItem,
    request: { readonly times: readonly number[]; readonly size?: number; readonly signal?: AbortSignal },
  ): Promise<readonly Frame[]>;
};

/** Reads the sound of a file that need not hold pictures. */
export type SoundDecoder = {
  /** @throws KdcError with a {@link MediaReason} */
  decodeSound(item: ClipItem, request: Pick<DecodeRequest, "sampleRate" | "seconds" | "signal">): Promise<Waveform>;
};

function explained<T>(log: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw withLastLines(error, log);
  }
}
