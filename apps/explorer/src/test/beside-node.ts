import { basename } from "node:path";
import { createRng, float32 } from "@kdc-mae/core";
import { logMel } from "@kdc-mae/data";
import { clipFormFor, maskerFor } from "@kdc-mae/trainer/recipe";
import { expect } from "vitest";
import type { Filled } from "../lab/model-work.js";
import { publishedEyes } from "../media/eyes.js";
import { asCommandLine, differ } from "./films.js";
import type { HeldClip } from "./in-page.js";

/** A clip of the page as its model takes it. */
export const givenOf = ({ shape, spectrogram, chosen }: HeldClip) => ({
  spectrogram: float32(shape, Float32Array.from(spectrogram)),
  frame: { ...chosen, data: Uint8Array.from(chosen.data) },
});

const form = clipFormFor(publishedEyes.grids);
const bound = 1e-3;

/** Which frames of a spectrogram hold one of these samples. */
function framesWith(samples: readonly number[], frames: number): ReadonlySet<number> {
  const { sampleRate, frameLengthMs, frameShiftMs } = form.audio;
  const [length, shift] = [(sampleRate * frameLengthMs) / 1000, (sampleRate * frameShiftMs) / 1000];
  const touched = new Set<number>();
  for (const sample of samples) {
    const first = Math.max(0, Math.ceil((sample - length + 1) / shift));
    for (let frame = first; frame < frames && frame * shift <= sample; frame++) touched.add(frame);
  }
  return touched;
}

/**
 * Holds a clip of the page beside the command line's of the same film, says how far they are from one another, and
 * expects what holds of every film: no sample more than a step of 16 bits away, log-mel within 1e-3 in every frame of
 * whose samples none differs, pictures 3 of 255 in the mean.
 *
 * @returns shares of the log-mel values within 1e-3: in natural logarithms, and as the model sees them
 */
export async function expectHeardAndSeen(
  inPage: HeldClip,
  path: string,
  ffmpeg: string,
): Promise<{ readonly raw: number; readonly seen: number }> {
  const inNode = await asCommandLine(path, form, ffmpeg);
  const direct = logMel(inNode.clip.waveform, form.audio);
  expect(inPage.shape).toEqual(direct.shape);
  const theirs = inNode.clip.waveform.samples;
  // WebM tells times in milliseconds: ffmpeg ends the sound a little before or after.
  const whole = Math.min(inPage.samples.length, theirs.length) - 160;
  const steps = inPage.samples.slice(0, whole).map((value, n) => 32768 * Math.abs(value - theirs[n]));
  const others = steps.flatMap((distance, n) => (distance > 0 ? [n] : []));
  const off = inPage.spectrogram.map((value, index) => Math.abs(value - direct.data[index]));
  const [T, bins] = direct.shape;
  const last = Array.from({ length: Math.max(inPage.samples.length, theirs.length) - whole }, (_, n) => whole + n);
  const touched = framesWith([...others, ...last], T);
  const elsewhere = off.filter((_, index) => !touched.has(Math.floor(index / bins)));
  const { std } = publishedEyes.statistics;
  const within = (scale: number) => off.filter((distance) => distance / scale < bound).length / off.length;
  const [raw, seen, most] = [within(1), within(std), Math.max(...off)];
  const pictures = [0, 5].map((frame) => differ(inPage.frames[frame], inNode.frames[frame]));
  const mean = pictures.reduce((sum, one) => sum + one.mean, 0) / pictures.length;
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  console.info(
    `${basename(path)}, ${ffmpeg}: ${others.length} of ${steps.length} samples differ, at most by ${Math.max(...steps)}; ` +
      `log-mel ${percent(raw)} within 1e-3, at most ${most.toExponential(1)}, mean ${differ(inPage.spectrogram, direct.data).mean.toExponential(1)}; ` +
      `as the model sees it ${percent(seen)}, at most ${(most / std).toExponential(1)}; ` +
      `in the ${T - touched.size} of ${T} frames without such a sample at most ${Math.max(0, ...elsewhere).toExponential(1)}; ` +
      `pictures at most ${Math.max(...pictures.map((one) => one.most))} of 255, mean ${mean.toFixed(2)}`,
  );
  expect(Math.abs(inPage.samples.length - theirs.length)).toBeLessThanOrEqual(path.endsWith("webm") ? 24 : 0);
  expect(Math.max(...steps)).toBeLessThanOrEqual(1);
  expect(touched.size).toBeLessThan(T / 4);
  expect(Math.max(...elsewhere)).toBeLessThan(bound);
  expect(mean).toBeLessThan(3);
  return { raw, seen };
}

type Masking = Parameters<typeof maskerFor>[0]["masking"];

/** Patches that the masking package lets each view see, of the published sizes. */
export function viewsInNode(masking: Masking, seed: number): readonly (readonly (readonly number[])[])[] {
  const mask = maskerFor({ masking });
  if (mask === undefined) throw new Error("these masks are drawn by a network");
  return mask(publishedEyes.grids, createRng(seed)).map((view) => [[...view.audio.visible], [...view.visual.visible]]);
}

/** Views that a page filled in are Node's: errors to three places, pixels to a step of their colours. */
export function expectFilled(
  inNode: readonly Filled[],
  captions: readonly string[],
  pixels: readonly (readonly number[])[],
): void {
  for (const [index, { frame, error }] of inNode.entries()) {
    expect(captions[index]).toContain(`picture ${error.visual.toFixed(3)}, sound ${error.audio.toFixed(3)}`);
    expect(differ(pixels[index], frame.data).most).toBeLessThanOrEqual(1);
  }
}
