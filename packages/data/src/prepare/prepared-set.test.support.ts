import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { openManifest } from "../manifest/read-manifest.js";
import { createPipesDecoder } from "../media/ffmpeg-pipes.js";
import { ffmpeg, makeFilm, makeSilentFilm, makeWebPage } from "../media/make-media.test.support.js";
import { type PrepareOptions, prepare } from "./prepare.js";

let root = "";
/** A place in the folder of the tests. */
export const at = (name: string) => join(root, name);
/** A film's name that asks for care. */
export const awkward = "-a 'film', \"quoted\"\nof two lines.mp4";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-mae-prepare-"));
  await mkdir(at("media"));
  await Promise.all([
    makeFilm(at(`media/${awkward}`), 2),
    makeSilentFilm(at("media/silent.mp4")),
    makeWebPage(at("media/page.mp4")),
  ]);
  const rows = Array.from({ length: 11 }, (_, index) => {
    const path = index === 3 ? "page.mp4" : index === 4 ? "gone.mp4" : index === 8 ? "silent.mp4" : awkward;
    const part = path === awkward ? { start: 0.1 * index, end: 0.1 * index + 0.7 } : {};
    const labels = index % 2 ? ["odd"] : ["even", "number"];
    const whole = index === 10 ? { recording: "rushes" } : {};
    return JSON.stringify({ id: `row ${index}`, path, ...part, ...whole, labels, split: index < 7 ? "train" : "test" });
  });
  await writeFile(at("media/list.jsonl"), rows.join("\n"));
});
afterAll(() => rm(root, { recursive: true }));

/** Eleven clips, three a shard, of which three cannot be used. */
export const optionsOf = async (out: string) => ({
  manifest: await openManifest(at("media/list.jsonl")),
  out: at(out),
  decoder: createPipesDecoder(ffmpeg),
  workers: 2,
  content: { clipsPerShard: 3, frames: { count: 2, limit: 10 }, size: 37, logMel: "float16" } as const,
});
export const run = async (out: string, more: Omit<Partial<PrepareOptions>, "together"> = {}) =>
  prepare({ ...(await optionsOf(out)), ...more });
/** Every file of a set with the hash of its bytes. */
export const fingerprint = async (folder: string) => {
  const names = (await readdir(at(folder))).sort();
  const hashes = names.map(async (name) =>
    createHash("sha256")
      .update(await readFile(join(at(folder), name)))
      .digest("hex"),
  );
  return Object.fromEntries((await Promise.all(hashes)).map((hash, index) => [names[index], hash]));
};
