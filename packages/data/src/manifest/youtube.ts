import { splitNamed } from "../dataset/split-names.js";
import type { MediaRoot } from "./confine.js";
import { pieceFinder, pieceName, type YoutubePiece } from "./find-piece.js";
import { labelNamed, labelsIn, type Naming } from "./labels.js";
import { manifestError } from "./manifest-error.js";
import type { Entry } from "./manifest-item.js";
import { readRows } from "./rows.js";
import { readRecords } from "./table.js";

type At = { readonly file: string; readonly line: number };

/** Finds each piece's file. @throws KdcError for a name that is not a YouTube id */
async function* found(
  pieces: AsyncIterable<{ readonly at: At; readonly piece: YoutubePiece }>,
  { root }: MediaRoot,
  usual: "start" | "start-end",
): AsyncGenerator<Entry> {
  const find = await pieceFinder(root, usual);
  for await (const { at, piece } of pieces) {
    if (!/^[\w-]+$/.test(piece.id)) {
      throw manifestError(
        { ...at, column: 1 },
        `${JSON.stringify(piece.id)} is not a YouTube id`,
        "Give the list as published",
      );
    }
    const { path, cut } = await find(piece);
    const split = splitNamed(piece.split);
    const range = cut ? { start: piece.start, end: piece.end } : {};
    const item = { id: pieceName(piece, usual), path, ...range, labels: piece.labels };
    yield { line: at.line, item: split === undefined ? item : { ...item, split } };
  }
}

async function* rowsOf(
  file: string,
  width: number,
  parse: (cells: readonly string[], at: At) => YoutubePiece,
  heading?: "#",
): AsyncGenerator<{ at: At; piece: YoutubePiece }> {
  for await (const { line, cells } of readRows(file, { heading })) {
    const at = { file, line };
    if (cells.length !== width) {
      throw manifestError(at, `it has ${cells.length} columns instead of ${width}`, "Give the list as published");
    }
    yield { at, piece: parse(cells, at) };
  }
}

const secondsIn = (cell: string, column: number | string, at: At): number => {
  const value = Number(cell);
  if (cell !== "" && Number.isFinite(value) && value >= 0) return value;
  const what = `${JSON.stringify(cell)} is not a number of seconds`;
  throw manifestError({ ...at, column }, what, "Give the list as published");
};

/** VGGSound's list, `id,start,label,split` without a header; pieces last 10 s. `media.root` holds the videos. */
export const readVggSound = (file: string, media: MediaRoot, naming: Naming): AsyncGenerator<Entry> =>
  found(
    rowsOf(file, 4, ([id, from, label, split], at) => {
      const start = secondsIn(from, 2, at);
      return { id, start, end: start + 10, labels: [labelNamed(label, naming)], split };
    }),
    media,
    "start",
  );

/** AudioSet's segment lists, `YTID, start, end, "mid,mid"` below three comment lines. `media.root` holds the videos. */
export const readAudioSet = (file: string, media: MediaRoot, naming: Naming): AsyncGenerator<Entry> =>
  found(
    rowsOf(
      file,
      4,
      ([id, from, to, mids], at) => {
        const labels = (labelsIn(mids.split(",")) ?? []).map((mid) => labelNamed(mid, naming));
        return { id, start: secondsIn(from, 2, at), end: secondsIn(to, 3, at), labels };
      },
      "#",
    ),
    media,
    "start",
  );

/**
 * The Kinetics lists, `label,youtube_id,time_start,time_end,split` below that header; the test sets come without
 * `label`. `media.root` holds the pieces, `id_000010_000020.mp4`, beside each other or in a folder per class.
 */
export const readKinetics = (file: string, media: MediaRoot, naming: Naming): AsyncGenerator<Entry> =>
  found(kineticsRows(file, naming), media, "start-end");

async function* kineticsRows(file: string, naming: Naming): AsyncGenerator<{ at: At; piece: YoutubePiece }> {
  const remedy = "Give the list as published: label,youtube_id,time_start,time_end,split";
  for await (const { line, record } of readRecords(file, "youtube_id", (name) => name.trim(), remedy)) {
    const at = { file, line };
    const { label = "", youtube_id: id, time_start = "", time_end = "", split } = record;
    const [start, end] = [secondsIn(time_start, "time_start", at), secondsIn(time_end, "time_end", at)];
    if (end <= start) throw manifestError({ ...at, column: "time_end" }, "it is not after time_start", remedy);
    yield { at, piece: { id, start, end, labels: label === "" ? [] : [labelNamed(label, naming)], split } };
  }
}
