import { writeFile } from "node:fs/promises";
import { locateFfmpeg } from "./locate-ffmpeg.js";
import { runProcess } from "./run-process.js";

export const ffmpeg = (await locateFfmpeg({ env: process.env })).path;

/** Runs ffmpeg to make a file for a test. */
export async function makeMedia(path: string, ...args: string[]): Promise<void> {
  const { exitCode, log } = await runProcess(ffmpeg, ["-v", "error", "-y", ...args, path], {
    limits: [0],
    timeoutMs: 30_000,
  });
  if (exitCode !== 0) throw new Error(log);
}

const sine = (seconds: number) => ["-f", "lavfi", "-i", `aevalsrc='0.5*sin(2*PI*(300+200*t)*t)':s=16000:d=${seconds}`];

/** A film of a moving pattern of 94 × 62 pixels with a rising tone. */
export const makeFilm = (path: string, seconds: number): Promise<void> =>
  makeMedia(
    path,
    "-f",
    "lavfi",
    "-i",
    `testsrc=s=94x62:r=25:d=${seconds}`,
    ...sine(seconds),
    "-c:v",
    "libx264",
    "-pix_fmt",
    "yuv420p",
  );

/** A film without sound. */
export const makeSilentFilm = (path: string): Promise<void> =>
  makeMedia(path, "-f", "lavfi", "-i", "testsrc=s=94x62:r=25:d=1", "-c:v", "libx264", "-pix_fmt", "yuv420p");

/** What a site sends instead of a film. */
export const makeWebPage = (path: string): Promise<void> =>
  writeFile(path, "<html>Video unavailable</html>\n".repeat(50));
