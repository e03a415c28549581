import { execFile } from "node:child_process";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { StoredClip } from "@kdc-mae/data";
import { createPipesDecoder, locateFfmpeg } from "@kdc-mae/data/node";
import { clipFormFor } from "../corpus/clip-form.js";
import { config } from "../finetune/made-clips.test.support.js";
import { openMedia, storeWindow } from "./open-media.js";

const { path: ffmpeg } = await locateFfmpeg({ env: process.env });
export const decoder = createPipesDecoder(ffmpeg);
const make = (...args: string[]) => promisify(execFile)(ffmpeg, ["-v", "error", "-y", ...args]);

/**
 * Makes a folder of media. `film.mp4`: 4 s, 160 × 90, grey, with a red square in the top left corner of the middle square
 * for 2 s, then in the bottom right one; loud noise for 3 s, then silence. Parts of it, and files that cannot be used.
 */
export async function makeMedia(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kdc-mae-films-"));
  const at = (name: string) => join(folder, name);
  const film = at("film.mp4");
  const squares = [
    "drawbox=x=35:y=0:w=22:h=22:color=red:t=fill:enable=lt(t\\,2)",
    "drawbox=x=103:y=68:w=22:h=22:color=red:t=fill:enable=gte(t\\,2)",
  ];
  await make(
    ...["-f", "lavfi", "-i", `color=c=gray:s=160x90:r=25:d=4,${squares.join(",")}`],
    ...["-f", "lavfi", "-i", "anoisesrc=d=4:a=0.5:r=16000,volume=0:enable=gt(t\\,3)"],
    ...["-c:v", "mpeg4", "-q:v", "2", "-c:a", "aac", film],
  );
  await make("-i", film, "-an", "-c", "copy", at("silent.mp4"));
  await make("-i", film, "-vn", "-t", "2", at("noise.wav"));
  await make("-i", film, "-frames:v", "1", at("still.png"));
  await make("-f", "lavfi", "-i", "anoisesrc=d=0.01:r=16000", at("short.wav"));
  await writeFile(at("text.mp4"), "these are words and no film\n");
  await writeFile(at("huge.ppm"), Buffer.concat([Buffer.from("P6\n9000 9000\n255\n"), Buffer.alloc(3 * 9000 * 9000)]));
  await mkdir(at("folder.mp4"));
  return folder;
}

/** The film's windows as the model takes them. */
export async function windowsOf(file: string): Promise<StoredClip[]> {
  const form = clipFormFor(config, 1, 16_000);
  const clips: StoredClip[] = [];
  const opened = await openMedia(file, decoder, form);
  for await (const window of opened.windows({ seconds: form.seconds, pictures: 1 })) {
    clips.push(storeWindow(file, window, form));
  }
  return clips;
}
