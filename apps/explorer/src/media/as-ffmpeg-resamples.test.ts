import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { createRng } from "@kdc-mae/core";
import { expect, it } from "vitest";
import { ffmpegs } from "../test/films.js";
import { asFfmpegResamples, sixteenBits } from "./as-ffmpeg-resamples.js";

const run = promisify(execFile);

/** Half a second of a falling tone and noise, at a time as quiet as one step of 16 bits. */
function sound(sampleRate: number): Float32Array {
  const rng = createRng("resampled");
  return Float32Array.from({ length: sampleRate / 2 }, (_, n) => {
    const t = n / sampleRate;
    return (0.5 * Math.sin(2 * Math.PI * (900 - 700 * t) * t) + 0.2 * (rng.uniform() - 0.5)) * Math.exp(-9 * t);
  });
}

/**
 * The same through ffmpeg, by the filters of the command line: 16 bits out. Of 16 bits it reckons in 16 bits, which an
 * ffmpeg later than 5 does only where it is told to.
 */
async function throughFfmpeg(ffmpeg: string, kind: "f32le" | "s16le", bytes: ArrayBufferLike, from: number) {
  const given = ["-f", kind, "-ar", String(from), "-ac", "1", "-i", "pipe:0"];
  const within = kind === "s16le" ? ":internal_sample_fmt=s16p" : "";
  const filters = `aresample=16000:async=1:min_hard_comp=0.05:first_pts=0${within}`;
  const process = run(ffmpeg, ["-v", "error", ...given, "-af", filters, "-f", "s16le", "pipe:1"], {
    encoding: "buffer",
  });
  process.child.stdin?.end(Buffer.from(bytes));
  const { stdout } = await process;
  return new Int16Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.length));
}

const rates = [44_100, 48_000, 22_050, 8000, 11_025, 32_000, 96_000];

it.each([...rates, 12_346])("changes the rate of %i Hz to 16 kHz as ffmpeg does, sample by sample", async (rate) => {
  const samples = sound(rate);
  const heard = { samples, sampleRate: rate, digits: "worked out" } as const;
  const { samples: ours } = sixteenBits(asFfmpegResamples(heard, 16_000));
  for (const ffmpeg of await ffmpegs()) {
    const theirs = await throughFfmpeg(ffmpeg, "f32le", samples.buffer, rate);
    expect(ours).toHaveLength(theirs.length);
    const steps = ours.map((value, n) => Math.abs(32_768 * value - theirs[n]));
    // Elsewhere than on x86 with fused multiplication sums are rounded in another order: a last bit in a thousand.
    expect(steps.filter((step) => step > 0).length).toBeLessThanOrEqual(ours.length / 1000);
    expect(Math.max(...steps)).toBeLessThanOrEqual(1);
  }
});

it.each(rates)("does the same in whole numbers with sound of 16 bits at %i Hz, everywhere", async (rate) => {
  const whole = Int16Array.from(sound(rate), (value) => Math.round(32_768 * value));
  const samples = Float32Array.from(whole, (value) => value / 32_768);
  const { samples: ours } = sixteenBits(asFfmpegResamples({ samples, sampleRate: rate, digits: "sixteen" }, 16_000));
  for (const ffmpeg of await ffmpegs()) {
    const theirs = await throughFfmpeg(ffmpeg, "s16le", whole.buffer, rate);
    expect(Int16Array.from(ours, (value) => 32_768 * value)).toEqual(theirs);
  }
});
