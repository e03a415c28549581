import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { fetchDebian, fetchNpm } from "./fetch.mjs";

const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];

/** Debian packages with letters spoken by people, and the sha256 of the files that were measured with. */
const packages = {
  "klettres-data": "1186d257a19e84230856baea0b0b1ded8be9195080fcdb2588970b5cd937f5a8",
  "asterisk-core-sounds-en-wav": "2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d",
  "asterisk-core-sounds-es-wav": "9283a09a6d56fccdcc2bcfe86c48f0f844289cfbd46a3184d8785a6f7f569903",
  "asterisk-core-sounds-fr-wav": "8d4e1bc32ed5ba7fbda40841ca1825ed20cc6232724a473c90f8bb0e53e6073e",
  "asterisk-core-sounds-it-wav": "5a26638089e134b8ac39363fe249c5c93c50cd8bfdc9b2499ae61ec4a35e2fcb",
  "asterisk-prompt-fr-armelle": "162570b1a9b3512a98f06b89f60c7c17cf1b9b52297315adca9a4e5be728bea3",
  "asterisk-prompt-it-menardi-wav": "3094530d98f8758ac275572d59624c41f60969fef883f34f4886d144f3dfeb21",
};

/** The letters of one language of KLettres, by its own table. */
function readKlettres(root, language) {
  const base = join(root, "usr/share/klettres");
  const table = readFileSync(join(base, language, "sounds.xml"), "utf8");
  const found = [...table.matchAll(/<sound\s+name="([A-Z])"\s+file="([^"]+\/alpha\/[^"]+)"/g)];
  return Object.fromEntries(found.map(([, letter, file]) => [letter, join(base, file)]));
}

/** The letters of one voice of Asterisk. */
const readAsterisk = (root, voice, kind) =>
  Object.fromEntries(
    letters.map((letter) => [
      letter,
      join(root, "usr/share/asterisk/sounds", voice, "letters", `${letter.toLowerCase()}.${kind}`),
    ]),
  );

const klettres = (language, split) => ({
  voice: `klettres-${language}`,
  split,
  from: "klettres-data",
  read: (root) => readKlettres(root, language),
});
const asterisk = (voice, from, folder, split, kind = "wav") => ({
  ...{ voice, split, from },
  read: (root) => readAsterisk(root, folder, kind),
});

/**
 * Who is heard where. Every language that is tested is heard in training from another voice; who spoke for KLettres is
 * not written down, so its two English voices are on one side.
 */
const voices = [
  ...["cs", "da", "de", "fr", "hu", "lt", "nds", "nl", "pt_BR"].map((language) => klettres(language, "train")),
  // Allison Smith, in English and in Spanish; June Wallack; Carlo.
  asterisk("allison-en", "asterisk-core-sounds-en-wav", "en_US_f_Allison", "train"),
  asterisk("allison-es", "asterisk-core-sounds-es-wav", "es_MX_f_Allison", "train"),
  asterisk("june-fr", "asterisk-core-sounds-fr-wav", "fr_CA_f_June", "train"),
  asterisk("carlo-it", "asterisk-core-sounds-it-wav", "it_IT_m_Carlo", "train"),
  klettres("it", "validation"),
  klettres("nb", "validation"),
  klettres("en", "test"),
  klettres("en_GB", "test"),
  klettres("es", "test"),
  // Armelle Desjardins; Paola Dal Zot.
  asterisk("armelle-fr", "asterisk-prompt-fr-armelle", "fr", "test", "gsm"),
  asterisk("menardi-it", "asterisk-prompt-it-menardi-wav", "it_IT_f_Menardi", "test"),
];

const hands = JSON.parse(readFileSync(new URL("hands.json", import.meta.url), "utf8"));
/** Every sixth hand is for testing, and every tenth of the others for validation, as they are listed. */
const splitOfHand = (index) => (index % 6 === 5 ? "test" : index % 10 === 8 ? "validation" : "train");

const cell = 300;
const columns = 13;

/**
 * The letters of one hand, capitals and small ones, each filling its picture.
 *
 * @returns paths of the pictures by letter, the capital first
 */
async function drawHand(folder, ffmpeg, { name, version, integrity }) {
  const pictures = join(folder, "pictures", name);
  const forms = letters.flatMap((letter) => [letter, letter.toLowerCase()]);
  const pathOf = (form) => join(pictures, form === form.toLowerCase() ? `${form}-small.png` : `${form}.png`);
  if (!existsSync(pictures)) {
    const files = join(fetchNpm(folder, `@fontsource/${name}`, version, integrity), "files");
    const passing = `${pictures}.tmp`;
    mkdirSync(passing, { recursive: true });
    const place = (index) => [cell * (index % columns), cell * Math.floor(index / columns)];
    const drawing = forms.map((form, index) => {
      const [x, y] = place(index);
      const where = `x=${x}+(${cell}-tw)/2:y=${y}+(${cell}-th)/2`;
      return `drawtext=fontfile=${name}-latin-400-normal.woff:text=${form}:fontsize=150:${where}`;
    });
    const sheet = resolve(passing, "sheet.png");
    const canvas = `color=white:s=${cell * columns}x${cell * (forms.length / columns)}`;
    const input = ["-f", "lavfi", "-i", canvas, "-vf", drawing.join(","), "-frames:v", "1", sheet];
    execFileSync(ffmpeg, ["-v", "error", "-y", ...input], { cwd: files, stdio: ["ignore", "ignore", "inherit"] });
    for (const [index, form] of forms.entries()) {
      const [left, top] = place(index);
      const cut = await sharp(sheet).extract({ left, top, width: cell, height: cell }).toBuffer();
      const white = { background: "#ffffff" };
      const inked = await sharp(cut).trim(white).toBuffer();
      await sharp(inked)
        .resize(68, 68, { fit: "contain", ...white })
        .extend({ top: 14, bottom: 14, left: 14, right: 14, ...white })
        .toFile(pathOf(form).replace(pictures, passing));
    }
    renameSync(passing, pictures);
  }
  return Object.fromEntries(letters.map((letter) => [letter, [pathOf(letter), pathOf(letter.toLowerCase())]]));
}

/** FNV-1a: the same number for the same text everywhere. */
function hash(text) {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

const byHash = (list, salt) =>
  [...list].sort((a, b) => hash(`${salt} ${a}`) - hash(`${salt} ${b}`) || (a < b ? -1 : 1));

/**
 * Fetches voices and hands, and says which clips they make. A training clip is one spoken letter over ten written ones,
 * all of that letter and by training hands, drawn anew for every clip: training shows one of them at a time. A clip that
 * is held out shows one picture, by a hand of its own split.
 */
export async function planLetters(folder, ffmpeg) {
  const roots = Object.fromEntries(
    Object.entries(packages).map(([name, sha256]) => [name, fetchDebian(folder, name, sha256)]),
  );
  const drawn = [];
  for (const [index, hand] of hands.entries()) {
    drawn.push({ split: splitOfHand(index), pictures: await drawHand(folder, ffmpeg, hand) });
    console.error(`hand ${index + 1} of ${hands.length}`);
  }
  return voices.flatMap(({ voice, split, from, read }) =>
    Object.entries(read(roots[from])).flatMap(([letter, sound]) => {
      if (!existsSync(sound)) return [];
      const pictures = drawn.filter((hand) => hand.split === split).flatMap((hand) => hand.pictures[letter]);
      // Every spoken letter of training makes two clips, with other pictures.
      return Array.from({ length: split === "train" ? 2 : 1 }, (_, turn) => {
        const id = `${voice}-${letter}${split === "train" ? `-${turn}` : ""}`;
        const chosen = byHash(pictures, id).slice(0, split === "train" ? 10 : 1);
        return { id, path: `${id}.mp4`, labels: [letter], split, voice, pictures: chosen, sound, trim: true };
      });
    }),
  );
}
