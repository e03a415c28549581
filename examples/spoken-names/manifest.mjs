import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seconds } from "./encode.mjs";

/** Writes clips as a manifest, one a line, under its name only when whole. */
export function writeManifest(folder, name, clips) {
  const lines = clips.map(({ id, path, labels, split }) => JSON.stringify({ id, path, end: seconds, labels, split }));
  writeFileSync(join(folder, `${name}.tmp`), `${lines.join("\n")}\n`);
  renameSync(join(folder, `${name}.tmp`), join(folder, name));
}

/** Says how many clips each split has. */
export function sayCounts(clips) {
  for (const split of ["train", "validation", "test"]) {
    console.log(`${split}: ${clips.filter((clip) => clip.split === split).length} clips`);
  }
}
