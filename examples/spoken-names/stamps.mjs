import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

/** Voices: French, Spanish, Catalan, Romanian. Of sister languages, since many names are alike in them. */
export const languages = ["fr", "es", "ca", "ro"];
/** The one voice of the validation and test clips, so that no picture is in the gallery twice. */
const heldOutLanguage = "fr";
/** Kinds with fewer stamps than this are not told apart. */
const fewest = 12;

/** FNV-1a: the same number for the same text everywhere. */
function hash(text) {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

/** By the words, not by the file: stamps that are described alike are on one side. */
function splitOf(words) {
  const place = hash(words) % 100;
  return place < 70 ? "train" : place < 80 ? "validation" : "test";
}

/**
 * What the stamps folder holds that can be used: pictures with their English description and the spoken names beside
 * them. Kind = the first folder.
 *
 * @returns stamps in the order of their names, and how many were left out by reason
 */
export function findStamps(folder) {
  const leftOut = {};
  const leave = (reason) => {
    leftOut[reason] = (leftOut[reason] ?? 0) + 1;
  };
  const found = [];
  const files = readdirSync(folder, { recursive: true }).map(String).sort();
  for (const file of files) {
    if (!/\.(png|svg)$/.test(file)) continue;
    const stem = join(folder, file.slice(0, -4));
    const name = relative(folder, stem).split(sep).join("/");
    const sounds = languages.flatMap((language) => {
      const path = `${stem}_desc_${language}.ogg`;
      return existsSync(path) ? [{ language, path }] : [];
    });
    // The four alphabets share their spoken names, so that no picture is the right one.
    if (name.startsWith("symbols/alphabets/")) leave("letter");
    else if (file.endsWith(".svg") && existsSync(`${stem}.png`)) leave("drawn-twice");
    else if (!existsSync(`${stem}.txt`)) leave("no-description");
    else if (sounds.length === 0) leave("no-spoken-name");
    else {
      const words = readFileSync(`${stem}.txt`, "utf8").split("\n")[0].trim().toLowerCase();
      found.push({ name, kind: name.split("/")[0], words, split: splitOf(words), picture: join(folder, file), sounds });
    }
  }
  const count = (kind) => found.filter((stamp) => stamp.kind === kind).length;
  const stamps = found.filter(({ kind }) => count(kind) >= fewest || leave("small-kind"));
  return { stamps, leftOut };
}

/** One clip per stamp and voice; the clips that are held out have one voice, and one clip for the same words. */
export function planClips(stamps) {
  const taken = new Set();
  return stamps.flatMap(({ name, kind, words, split, picture, sounds }) => {
    const voices = split === "train" ? sounds : sounds.filter(({ language }) => language === heldOutLanguage);
    if (split !== "train" && (voices.length === 0 || taken.has(words))) return [];
    taken.add(words);
    return voices.map(({ language, path }) => {
      const id = `${name.replaceAll("/", "-")}-${language}`;
      return { id, path: `${id}.mp4`, labels: [kind], split, pictures: [picture], sound: path };
    });
  });
}
