import { access } from "node:fs/promises";
import { join } from "node:path";
import type { MediaRoot } from "./confine.js";
import type { Naming } from "./item-from-record.js";
import { manifestError } from "./manifest-error.js";
import type { ManifestItem } from "./manifest-item.js";
import { namesIn } from "./names-in.js";
import { readRows } from "./rows.js";

/** One row of a published list: a piece of a YouTube video. */
type Piece = { readonly id: string; readonly start: number; readonly end: number };

const extensions = ["mp4", "mkv", "webm", "avi", "mov", "flv"];

/** How people name the pieces they fetched; the last is the whole video, from which the piece is then cut. */
const stems: readonly ((piece: Piece) => string)[] = [
  ({ id, start }) => `${id}_${String(Math.floor(start)).padStart(6, "0")}`,
  ({ id, start }) => `${id}_${Math.floor(start)}`,
  ({ id, start, end }) => `${id}_${Math.round(start * 1000)}_${Math.round(end * 1000)}`,
  ({ id, start, end }) => `${id}_${Math.floor(start)}_${Math.floor(end)}`,
  ({ id }) => id,
];
const whole = stems.length - 1;
const names = extensions.flatMap((extension) => stems.map((stem, index) => ({ stem, index, extension })));

/** Finds pieces in a folder, trying first what was found last. A piece that is not there keeps the usual name. */
async function pieceFinder(root: string): Promise<(piece: Piece) => Promise<{ path: string; cut: boolean }>> {
  const mayHold = await namesIn(root);
  const tries = [...names];
  return async (piece) => {
    for (const [at, name] of tries.entries()) {
      const file = `${name.stem(piece)}.${name.extension}`;
      if (!mayHold(file)) continue;
      const path = join(root, file);
      const found = await access(path).then(
        () => true,
        () => false,
      );
      if (!found) continue;
      if (at > 0) tries.unshift(...tries.splice(at, 1));
      return { path, cut: name.index === whole };
    }
    return { path: join(root, `${stems[0](piece)}.mp4`), cut: false };
  };
}

async function* readPieces(
  file: string,
  { root }: MediaRoot,
  width: number,
  parse: (cells: readonly string[], at: { file: string; line: number }) => Piece & { labels: string[]; split?: string },
): AsyncGenerator<ManifestItem> {
  const find = await pieceFinder(root);
  for await (const { line, cells } of readRows(file)) {
    if (cells.length !== width) {
      throw manifestError(
        { file, line },
        `it has ${cells.length} columns instead of ${width}`,
        "Give the list as published",
      );
    }
    const { labels, split, ...piece } = parse(cells, { file, line });
    if (!/^[\w-]+$/.test(piece.id)) {
      throw manifestError(
        { file, line, column: 1 },
        `${JSON.stringify(piece.id)} is no YouTube id`,
        "Give the list as published",
      );
    }
    const { path, cut } = await find(piece);
    const range = cut ? { start: piece.start, end: piece.end } : {};
    yield { id: stems[0](piece), path, ...range, labels, ...(split === undefined ? {} : { split }) };
  }
}

const secondsIn = (cells: readonly string[], column: number, at: { file: string; line: number }): number => {
  const value = Number(cells[column]);
  if (cells[column] !== "" && Number.isFinite(value) && value >= 0) return value;
  const what = `${JSON.stringify(cells[column])} is not a number of seconds`;
  throw manifestError({ ...at, column: column + 1 }, what, "Give the list as published");
};

/** VGGSound's list, `id,start,label,split` without a header; pieces last 10 s. `media.root` holds the videos. */
export function readVggSound(file: string, media: MediaRoot, { nameOf }: Naming): AsyncGenerator<ManifestItem> {
  return readPieces(file, media, 4, (cells, at) => {
    const start = secondsIn(cells, 1, at);
    return { id: cells[0], start, end: start + 10, labels: [nameOf?.get(cells[2]) ?? cells[2]], split: cells[3] };
  });
}

/** AudioSet's segment lists, `YTID, start, end, "mid,mid"` below three comment lines. `media.root` holds the videos. */
export function readAudioSet(file: string, media: MediaRoot, { nameOf }: Naming): AsyncGenerator<ManifestItem> {
  return readPieces(file, media, 4, (cells, at) => {
    const labels = cells[3].split(",").map((mid) => nameOf?.get(mid.trim()) ?? mid.trim());
    return { id: cells[0], start: secondsIn(cells, 1, at), end: secondsIn(cells, 2, at), labels };
  });
}
