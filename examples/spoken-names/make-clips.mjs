/**
 * Fetches Debian's tuxpaint-stamps-default (GPL-2: pictures, and their names spoken in many languages), and makes one
 * clip of each picture with each spoken name, with a manifest beside them.
 *
 *   node make-clips.mjs FOLDER [stamps folder of an unpacked or installed package]
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { encodeClips } from "./encode.mjs";
import { fetchDebian } from "./fetch.mjs";
import { sayCounts, writeManifest } from "./manifest.mjs";
import { findStamps, planClips } from "./stamps.mjs";

const [folder, given] = process.argv.slice(2);
if (folder === undefined) {
  console.error("Say where the clips go: node make-clips.mjs FOLDER");
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
const { stamps, leftOut } = findStamps(
  given ?? join(fetchDebian(folder, "tuxpaint-stamps-default"), "usr/share/tuxpaint/stamps"),
);
const clips = planClips(stamps);
await encodeClips(clips, folder);
writeManifest(folder, "manifest.jsonl", clips);
sayCounts(clips);
console.log(`stamps: ${stamps.length}, left out: ${JSON.stringify(leftOut)}`);
