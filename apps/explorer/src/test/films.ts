import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Clip } from "@kdc-mae/core";
import { decoderNames } from "@kdc-mae/data";
import { createDecoder, locateFfmpeg, makeSet } from "@kdc-mae/data/node";
import { type ClipForm, type StoredClip, storeClip } from "@kdc-mae/trainer/recipe";

const run = promisify(execFile);

/** The packaged ffmpeg, and the system's where there is one. */
export const ffmpegs = async (): Promise<readonly string[]> => {
  const { path } = await locateFfmpeg({ env: {} });
  const system = await locateFfmpeg({ env: process.env }).then(
    (found) => found.path,
    () => path,
  );
  return [...new Set([path, system])];
};

/**
 * Whether an ffmpeg changes the rate of 16-bit sound in 16 bits, as versions up to 5 do, the packaged one among them;
 * later ones do in floats, a step of 16 bits away in one sample of twelve.
 */
export async function reckonsIn16Bits(ffmpeg: string): Promise<boolean> {
  const [asItIs, told] = await Promise.all(
    ["", ":internal_sample_fmt=s16p"].map((more) =>
      run(
        ffmpeg,
        ["-v", "error", "-f", "lavfi", "-i", "sine=r=48000:d=0.1", "-af", `aresample=16000${more}`, "-f", "s16le", "-"],
        { encoding: "buffer" },
      ),
    ),
  );
  return asItIs.stdout.equals(told.stdout);
}

/** A made clip, 2 s at 16 kHz, and other films of it. */
export async function makeFilms(folder: string, ffmpeg: string) {
  const counts = { train: 3, validation: 0, test: 0 };
  const { items } = await makeSet({ directory: join(folder, "set"), ffmpeg, counts, seed: 5 });
  const [source] = items;
  const at = (name: string) => join(folder, name);
  const film = async (name: string, ...options: string[]) => {
    await run(ffmpeg, ["-v", "error", "-y", "-i", source.path, ...options, at(name)]);
    return at(name);
  };
  return { items, source: source.path, at, film };
}

/** What the command line makes of a film: its decoder, then its front end. */
export async function asCommandLine(
  path: string,
  form: ClipForm,
  ffmpeg: string,
): Promise<StoredClip & { readonly clip: Clip }> {
  const decoder = createDecoder(decoderNames[0], ffmpeg, { processes: 1 });
  const clip = await decoder.decode(
    { id: "film", path, labels: [] },
    {
      sampleRate: form.audio.sampleRate,
      frames: { count: form.framesPerClip, limit: form.seconds },
      size: form.visual.size,
      seconds: form.seconds + 0.1,
    },
  );
  return { ...storeClip(clip, form), clip };
}

/** Largest and mean difference of two arrays. */
export function differ(a: ArrayLike<number>, b: ArrayLike<number>): { readonly most: number; readonly mean: number } {
  let [most, sum] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const distance = Math.abs(a[i] - b[i]);
    most = Math.max(most, distance);
    sum += distance;
  }
  return { most, mean: sum / a.length };
}
