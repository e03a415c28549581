import { access, constants } from "node:fs/promises";
import { Writable } from "node:stream";
import ffmpeg from "fluent-ffmpeg";
import { generalOptions, inputPath } from "./command.js";
import type { MediaDecoder } from "./decoder.js";
import { listedInputs } from "./ffmpeg/inputs.js";
import type { Job } from "./ffmpeg/job.js";
import { withoutName } from "./ffmpeg/log.js";
import { runAlone } from "./ffmpeg/run-alone.js";
import { type DecoderOptions, decoderThrough } from "./ffmpeg-decoder.js";
import { mediaError, startError, withLastLines } from "./media-error.js";
import { endingOf } from "./run-process.js";
import { timeLimit } from "./time-limit.js";

type Ended = { readonly log: string; readonly bytes: Uint8Array; readonly exitCode: number };

/**
 * A decoder through fluent-ffmpeg: one process to look at a file, one for its sound and one for its pictures, since the
 * library cannot express two outputs to pipes. Slower than the others, and portable to systems where a process cannot
 * be given a fourth file descriptor.
 *
 * @param program path of ffmpeg, from `locateFfmpeg`
 */
export function createFluentDecoder(program: string, options: DecoderOptions = {}): MediaDecoder {
  const { timeoutMs = 60_000 } = options;
  const run = async <T>(job: Job<T>): Promise<T> => {
    // fluent-ffmpeg throws where nobody can catch it when its program is not there.
    await access(program, constants.X_OK).catch((cause) => Promise.reject(startError(program, cause)));
    if (job.kind !== "decode" && job.kind !== "decode-raw") return runAlone(program, job, timeoutMs);
    const ended: Ended[] = [];
    for (const [index, output] of job.outputs.entries()) {
      ended.push(await runFluent(program, job, { output: output(0), limit: job.limits[index], timeoutMs }));
    }
    const log = ended.map((one) => one.log).join("");
    const named = withoutName(log, job.path);
    const exitCode = Math.max(...ended.map((one) => one.exitCode));
    try {
      const outputs = ended.map(({ bytes }) => bytes);
      return job.read({ exitCode, outputs, log: named, listed: listedInputs(named) });
    } catch (error) {
      throw withLastLines(error, log);
    }
  };
  return decoderThrough("fluent-ffmpeg", program, run, options);
}

type FluentRun = { readonly output: readonly string[]; readonly limit: number; readonly timeoutMs: number };

function runFluent(program: string, job: Job<unknown>, { output, limit, timeoutMs }: FluentRun): Promise<Ended> {
  const { path, signal } = job;
  return new Promise((resolve, reject) => {
    const command = ffmpeg({ source: inputPath(path) }).setFfmpegPath(program);
    command.inputOptions([...generalOptions(job.kind), ...job.inputs[0].slice(0, -2)]).outputOptions([...output]);
    const chunks: Uint8Array[] = [];
    let [log, left, over] = ["", limit, false];
    const end = (settle: () => void) => {
      if (over) return;
      over = true;
      stopTimer();
      signal?.removeEventListener("abort", abort);
      settle();
    };
    const stop = (error: Error) =>
      end(() => {
        command.kill("SIGKILL");
        reject(error);
      });
    const abort = () => stop(mediaError(path, "aborted"));
    const stopTimer = timeLimit(timeoutMs, () => stop(mediaError(path, "timeout", `${timeoutMs} ms`)));
    signal?.addEventListener("abort", abort, { once: true });
    const finish = (exitCode: number) => end(() => resolve({ log, bytes: Buffer.concat(chunks), exitCode }));
    command.on("stderr", (line: string) => {
      if (log.length < 2 ** 18) log += `${line}\n`;
    });
    command.on("error", (error: Error) => {
      // The library tells how its program ended in these words of its own, and in no other way.
      const [, code, name] =
        /^ffmpeg (?:exited with code (\d+)|was killed with signal (\w+))/.exec(error.message) ?? [];
      const { killed, signal: by } = endingOf(code ? Number(code) : null, (name ?? null) as NodeJS.Signals | null);
      if (killed) stop(withLastLines(mediaError(path, killed, killed === "crashed" ? by : undefined), log) as Error);
      else if (code === undefined) finish(1);
      else void written.then(() => finish(1));
    });
    const sink = new Writable({
      write(chunk: Uint8Array, _, done) {
        left -= chunk.length;
        if (left < 0) stop(mediaError(path, "too-large"));
        else chunks.push(chunk);
        done();
      },
    });
    // Its pipe may be read to its end before it has ended, or after. The library ends whatever program it finds still
    // there 20 ms after the stream it writes to was closed, so that is left open: how it ends by itself is what counts.
    const written = new Promise<void>((resolve) => void sink.once("unpipe", () => resolve()));
    command.pipe(sink, { end: false });
    command.on("end", () => void written.then(() => finish(0)));
    if (signal?.aborted) abort();
  });
}
