/**
 * Fetches Debian's tuxpaint-stamps-default (GPL-2: pictures, and their names spoken in many languages), and makes one
 * clip of each picture with each spoken name, with a manifest beside them.
 *
 *   node make-clips.mjs FOLDER [stamps folder of an unpacked or installed package]
 */
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { locateFfmpeg } from "@kdc-mae/data/node";
import sharp from "sharp";
import { findStamps, planClips } from "./stamps.mjs";

const packageName = "tuxpaint-stamps-default";
const size = 96;
const seconds = 2;

/** Downloads and unpacks the package with Debian's own tools; nothing is installed. */
function fetchStamps(folder) {
  const unpacked = join(folder, "package");
  const stamps = join(unpacked, "usr/share/tuxpaint/stamps");
  if (existsSync(stamps)) return stamps;
  try {
    execFileSync("apt-get", ["download", packageName], { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
  } catch (cause) {
    throw new Error(
      `${packageName} cannot be downloaded with apt-get. Run this on Debian or Ubuntu after apt-get update, ` +
        "or give the folder share/tuxpaint/stamps of an unpacked package as second argument",
      { cause },
    );
  }
  const archive = readdirSync(folder).find((name) => name.startsWith(packageName) && name.endsWith(".deb"));
  execFileSync("dpkg-deb", ["-x", join(folder, archive), `${unpacked}.tmp`]);
  renameSync(`${unpacked}.tmp`, unpacked);
  rmSync(join(folder, archive));
  return stamps;
}

/** The picture on white, as a file that ffmpeg reads. */
async function drawStill(picture, path) {
  const white = "#ffffff";
  await sharp(picture, { density: 150 })
    .flatten({ background: white })
    .resize(size, size, { fit: "contain", background: white })
    .png()
    .toFile(path);
}

/**
 * Clips with the still picture and the spoken name, silence after it up to two seconds. Many in one run of ffmpeg, since
 * starting it costs more than a clip does.
 */
async function encode(ffmpeg, clips, folder) {
  const still = ({ path }) => join(folder, `${path}.png`);
  const passing = ({ path }) => join(folder, `${path}.tmp`);
  await Promise.all(clips.map((clip) => drawStill(clip.picture, still(clip))));
  const inputs = clips.flatMap((clip) => [
    ...["-loop", "1", "-framerate", "5", "-t", String(seconds), "-i", still(clip)],
    ...["-i", clip.sound],
  ]);
  const outputs = clips.flatMap((clip, index) => [
    ...["-map", `${2 * index}:v`, "-map", `${2 * index + 1}:a`, "-t", String(seconds)],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-pix_fmt", "yuv420p", "-threads", "1"],
    ...["-af", "apad", "-ac", "1", "-ar", "16000", "-c:a", "aac", "-b:a", "64k", "-f", "mp4", passing(clip)],
  ]);
  await promisify(execFile)(ffmpeg, ["-v", "error", "-y", "-nostdin", ...inputs, ...outputs]);
  for (const clip of clips) {
    renameSync(passing(clip), join(folder, clip.path));
    rmSync(still(clip));
  }
}

const [folder, given] = process.argv.slice(2);
if (folder === undefined) {
  console.error("Say where the clips go: node make-clips.mjs FOLDER");
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
const { stamps, leftOut } = findStamps(given ?? fetchStamps(folder));
const clips = planClips(stamps);
const { path: ffmpeg } = await locateFfmpeg({ env: process.env });
const waiting = clips.filter(({ path }) => !existsSync(join(folder, path)));
async function work() {
  for (let part = waiting.splice(0, 16); part.length > 0; part = waiting.splice(0, 16)) {
    await encode(ffmpeg, part, folder);
    console.error(`${waiting.length} clips left`);
  }
}
await Promise.all([work(), work()]);
const lines = clips.map(({ id, path, labels, split }) => JSON.stringify({ id, path, end: seconds, labels, split }));
writeFileSync(join(folder, "manifest.jsonl"), `${lines.join("\n")}\n`);
for (const split of ["train", "validation", "test"]) {
  console.log(`${split}: ${clips.filter((clip) => clip.split === split).length} clips`);
}
console.log(`stamps: ${stamps.length}, left out: ${JSON.stringify(leftOut)}`);
