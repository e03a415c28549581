import { access, constants } from "node:fs/promises";
import type { PassThrough } from "node:stream";
import type { Clip, ClipItem } from "@kdc-mae/core";
import ffmpeg from "fluent-ffmpeg";
import { assembleClip, chosenTimes, type DecoderOptions, outputLimits, withDefaults } from "./clip-from-output.js";
import { audioOptions, frameOptions, inputOptions, inputPath, pickFrames, type Span, spanOf } from "./command.js";
import type { DecodeRequest, Decoder } from "./decoder.js";
import { expectFile, expectInput } from "./diagnose.js";
import { createPipesDecoder } from "./ffmpeg-pipes.js";
import { mediaError, startError } from "./media-error.js";

type Ran = { readonly log: string; readonly bytes: Uint8Array; readonly exitCode: number };

/**
 * A {@link Decoder} through fluent-ffmpeg: one process for the sound and one for the pictures, since the library
 * cannot express two outputs to pipes. Slower than `createPipesDecoder`, and portable to systems where a process
 * cannot be given a fourth file descriptor.
 *
 * @param program path of ffmpeg, from `locateFfmpeg`
 */
export function createFluentDecoder(program: string, options: DecoderOptions = {}): Decoder {
  const { timeoutMs, maxBytes } = withDefaults(options);

  const run = (
    path: string,
    span: Span,
    output: readonly string[],
    limit: number,
    signal?: AbortSignal,
  ): Promise<Ran> =>
    new Promise((resolve, reject) => {
      const command = ffmpeg({ source: inputPath(path) }).setFfmpegPath(program);
      command.inputOptions(["-hide_banner", "-nostats", ...inputOptions(span)]).outputOptions([...output]);
      const chunks: Uint8Array[] = [];
      let [log, left, over] = ["", limit, false];
      const stop = (error: Error) => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        command.kill("SIGKILL");
        reject(error);
      };
      const abort = () => stop(mediaError(path, "aborted"));
      const timer = setTimeout(() => stop(mediaError(path, "timeout", `${timeoutMs} ms`)), timeoutMs);
      signal?.addEventListener("abort", abort, { once: true });
      const finish = (exitCode: number) => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        resolve({ log, bytes: Buffer.concat(chunks), exitCode });
      };
      command.on("stderr", (line: string) => {
        if (log.length < 2 ** 17) log += `${line}\n`;
      });
      command.on("error", () => finish(1));
      const stream = command.pipe() as PassThrough;
      stream.on("data", (chunk: Uint8Array) => {
        left -= chunk.length;
        if (left < 0) stop(mediaError(path, "too-large"));
        else chunks.push(chunk);
      });
      command.on("end", () => (stream.readableEnded ? finish(0) : stream.once("end", () => finish(0))));
      if (signal?.aborted) abort();
    });

  const { probe } = createPipesDecoder(program, options);

  const decode = async (item: ClipItem, request: DecodeRequest): Promise<Clip> => {
    // fluent-ffmpeg throws where nobody can catch it when its program is not there.
    await access(program, constants.X_OK).catch((cause) => Promise.reject(startError(program, cause)));
    await expectFile(item.path);
    const span = spanOf(item, request.seconds ?? 30);
    const times = await chosenTimes(item, request, span, (path) => probe(path, request));
    const picked = pickFrames(times);
    const [soundLimit, pictureLimit] = outputLimits(request, span, picked, maxBytes);
    const sound = await run(item.path, span, audioOptions(request.sampleRate), soundLimit, request.signal);
    expectInput(item.path, sound.log);
    const pictures = await run(item.path, span, frameOptions(picked, request.size), pictureLimit, request.signal);
    return assembleClip(item, times, picked, {
      log: sound.log + pictures.log,
      exitCode: sound.exitCode || pictures.exitCode,
      sound: sound.bytes,
      pictures: pictures.bytes,
    });
  };

  return { name: "fluent-ffmpeg", probe, decode };
}
