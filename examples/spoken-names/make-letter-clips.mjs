/**
 * Fetches letters spoken by people (Debian's klettres-data, GPL-2+, and voice prompts of Asterisk) and letters written
 * by hand (handwriting fonts from npm, OFL-1.1 or Apache-2.0), and pairs them by letter into clips with a manifest. No
 * voice and no hand of a test clip is in training; every letter is. The licences are kept in FOLDER/licences.
 *
 *   node make-letter-clips.mjs FOLDER
 */
import { mkdirSync } from "node:fs";
import { locateFfmpeg } from "@kdc-mae/data/node";
import { encodeClips } from "./encode.mjs";
import { planLetters } from "./letters.mjs";
import { sayCounts, writeManifest } from "./manifest.mjs";

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error("Say where the clips go: node make-letter-clips.mjs FOLDER");
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
const { path: ffmpeg } = await locateFfmpeg({ env: process.env });
const clips = await planLetters(folder, ffmpeg);
await encodeClips(clips, folder);
writeManifest(folder, "manifest.jsonl", clips);
// A gallery of each test voice, in which a letter has one right answer.
const tested = clips.filter(({ split }) => split === "test");
for (const voice of new Set(tested.map((clip) => clip.voice))) {
  writeManifest(
    folder,
    `gallery-${voice}.jsonl`,
    tested.filter((clip) => clip.voice === voice),
  );
}
sayCounts(clips);
