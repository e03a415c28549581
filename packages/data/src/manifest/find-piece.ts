import { access } from "node:fs/promises";
import { join } from "node:path";
import { namesIn } from "./names-in.js";

/** One row of a published list: a piece of a YouTube video. Times in seconds. */
export type YoutubePiece = {
  readonly id: string;
  readonly start: number;
  readonly end: number;
  readonly labels: readonly string[];
  readonly split?: string;
};

const extensions = ["mp4", "mkv", "webm", "avi", "mov", "flv"];

const six = (seconds: number): string => String(Math.floor(seconds)).padStart(6, "0");

/** How people name the pieces they fetched; the last is the whole video, from which the piece is then cut. */
const stems: readonly ((piece: YoutubePiece) => string)[] = [
  ({ id, start }) => `${id}_${six(start)}`,
  ({ id, start, end }) => `${id}_${six(start)}_${six(end)}`,
  ({ id, start }) => `${id}_${Math.floor(start)}`,
  ({ id, start, end }) => `${id}_${Math.round(start * 1000)}_${Math.round(end * 1000)}`,
  ({ id, start, end }) => `${id}_${Math.floor(start)}_${Math.floor(end)}`,
  ({ id }) => id,
];
const whole = stems.length - 1;
const names = extensions.flatMap((extension) => stems.map((stem, index) => ({ stem, index, extension })));

/** Folders that a piece may lie in below the media root: by class, by split, by both. */
const foldersOf = ({ labels: [label], split }: YoutubePiece): readonly string[] => {
  const classes = label === undefined ? [] : [label, label.replaceAll(" ", "_")];
  const splits = split === undefined ? [] : [split];
  return ["", ...splits, ...classes, ...splits.flatMap((one) => classes.map((name) => `${one}/${name}`))];
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/**
 * Finds pieces in a folder, trying first the form of name that was found last; an ending may be in capitals. A piece
 * that is not there keeps the usual name. `cut`: the file is the whole video.
 *
 * @param usual the number of seconds in that name: its start, or start and end
 */
export async function pieceFinder(
  root: string,
  usual: "start" | "start-end",
): Promise<(piece: YoutubePiece) => Promise<{ path: string; cut: boolean }>> {
  const { mayHold, folders } = await namesIn(root);
  const tries = [...names];
  return async (piece) => {
    const within = folders.size === 1 ? [""] : foldersOf(piece).filter((folder) => folders.has(folder));
    for (const [at, name] of tries.entries()) {
      const stem = name.stem(piece);
      for (const folder of within) {
        const file = folder === "" ? `${stem}.${name.extension}` : `${folder}/${stem}.${name.extension}`;
        if (!mayHold(file)) continue;
        for (const path of [file, `${file.slice(0, -name.extension.length)}${name.extension.toUpperCase()}`]) {
          if (!(await exists(join(root, path)))) continue;
          if (at > 0) tries.unshift(...tries.splice(at, 1));
          return { path: join(root, path), cut: name.index === whole };
        }
      }
    }
    return { path: join(root, `${pieceName(piece, usual)}.mp4`), cut: false };
  };
}

/** What a piece is called: the id of its clip. */
export const pieceName = (piece: YoutubePiece, usual: "start" | "start-end"): string =>
  stems[usual === "start" ? 0 : 1](piece);
