import { execFile } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { locateFfmpeg } from "@kdc-mae/data/node";
import sharp from "sharp";

/** Length of every clip, seconds; silence after the sound. */
export const seconds = 2;
const size = 96;
const frameRate = 5;
const white = "#ffffff";

const drawStill = (picture, path) =>
  sharp(picture, { density: 150 })
    .flatten({ background: white })
    .resize(size, size, { fit: "contain", background: white })
    .png()
    .toFile(path);

/** Many clips in one run of ffmpeg, since starting it costs more than a clip does. */
async function encode(ffmpeg, clips, folder) {
  const still = ({ path }, index) => join(folder, `${path}-${index}.png`);
  const passing = ({ path }) => join(folder, `${path}.tmp`);
  const stills = clips.flatMap((clip) => clip.pictures.map((picture, index) => [picture, still(clip, index)]));
  await Promise.all(stills.map(([picture, path]) => drawStill(picture, path)));
  const inputs = clips.flatMap((clip) => [
    ...(clip.pictures.length === 1 ? ["-loop", "1"] : []),
    ...["-framerate", String(frameRate), "-t", String(seconds), "-i"],
    clip.pictures.length === 1 ? still(clip, 0) : join(folder, `${clip.path}-%d.png`),
    ...["-i", clip.sound],
  ]);
  const outputs = clips.flatMap((clip, index) => [
    ...["-map", `${2 * index}:v`, "-map", `${2 * index + 1}:a`, "-t", String(seconds)],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-pix_fmt", "yuv420p", "-threads", "1"],
    ...["-af", clip.trim ? "silenceremove=start_periods=1:start_threshold=-45dB,adelay=200,apad" : "apad"],
    ...["-ac", "1", "-ar", "16000", "-c:a", "aac", "-b:a", "64k", "-f", "mp4", passing(clip)],
  ]);
  await promisify(execFile)(ffmpeg, ["-v", "error", "-y", "-nostdin", ...inputs, ...outputs]);
  for (const clip of clips) renameSync(passing(clip), join(folder, clip.path));
  for (const [, path] of stills) rmSync(path);
}

/**
 * Encodes the clips that are not there yet as mp4: the picture as a still, or ten pictures one after another, five a
 * second, and the sound from the beginning (`trim`: what silence comes before it is cut to 0.2 s).
 */
export async function encodeClips(clips, folder) {
  const { path: ffmpeg } = await locateFfmpeg({ env: process.env });
  const waiting = clips.filter(({ path }) => !existsSync(join(folder, path)));
  async function work() {
    for (let part = waiting.splice(0, 16); part.length > 0; part = waiting.splice(0, 16)) {
      await encode(ffmpeg, part, folder);
      console.error(`${waiting.length} clips left`);
    }
  }
  await Promise.all([work(), work()]);
}
