import {
  type ClassLabels,
  countPassedOver,
  inWindows,
  type Manifest,
  type ManifestItem,
  makeSet,
  openManifest,
  type PassedOver,
  type Placing,
  passedOverInWords,
  placeClips,
  recordingsInSplits,
  splitBy,
} from "@kdc-mae/data/node";
import type { Surroundings } from "../surroundings.js";
import { choiceOf, type DataSource, type Purpose } from "./choose-clips.js";
import { type DataDigest, digestOfClips } from "./data-digest.js";
import type { OpenedDecoder } from "./open-decoder.js";

/** The clips that some data name, before anything is decoded. */
export type OpenedItems = {
  /** Those of the splits that are asked for, each with its split, as far as they are held. */
  readonly items: readonly ManifestItem[];
  /** How many there are of them. */
  readonly count: number;
  readonly placing: Placing;
  /** Of every clip, those of other splits too. */
  readonly digest: DataDigest;
  readonly passedOver: PassedOver;
  /** Where a list's clips lie. */
  readonly media?: Manifest["media"];
};

type Options = Surroundings &
  Purpose & {
    /** Where made clips are kept. */
    readonly directory: string;
    readonly opened: OpenedDecoder;
    readonly seed: number;
    /** Splits whose items are held; all are unless given. */
    readonly only?: readonly string[];
    /** Items beyond so many are counted and not held: more would not fit the memory once they are decoded. */
    readonly most?: number;
    readonly classes?: ClassLabels;
  };

/** Reads a list, a folder, or makes clips. Of a list only the items of the splits asked for are held. */
export async function openItems(data: Exclude<DataSource, { kind: "shards" }>, options: Options): Promise<OpenedItems> {
  const passed = countPassedOver();
  const manifest = data.kind === "synthetic" ? undefined : await manifestOf(data, options);
  const all = data.kind === "synthetic" ? await syntheticItems(data, options) : manifest!.items(passed.passOver);
  const only = options.only && new Set(options.only);
  const digest = digestOfClips();
  const recordings = recordingsInSplits();
  const counts = new Map<string, number>();
  const held: ManifestItem[] = [];
  const labelsHeld = new Map<string, readonly string[]>();
  for await (const item of all) {
    options.signal?.throwIfAborted();
    digest.add(item);
    recordings.add(item);
    counts.set(item.split ?? "", (counts.get(item.split ?? "") ?? 0) + 1);
    if (only !== undefined && item.split !== undefined && !only.has(item.split)) continue;
    if (held.length > (options.most ?? Number.POSITIVE_INFINITY)) continue;
    // A million clips have few sets of labels: each is held once.
    const name = item.labels.join("\0");
    const labels = labelsHeld.get(name) ?? item.labels;
    if (labelsHeld.size < 100_000) labelsHeld.set(name, labels);
    held.push({ ...item, labels });
  }
  const named = function* () {
    for (const [split, count] of counts) for (let at = 0; at < count; at++) yield split === "" ? undefined : split;
  };
  const placing = recordings.told(placeClips(named(), options.namedFor, options.scored));
  const items = held.map((item) => (item.split === undefined ? { ...item, split: placing.of(item.split) } : item));
  const words = passedOverInWords(passed.result());
  if (words !== undefined) options.onNote?.(words);
  return {
    items: only === undefined ? items : items.filter(({ split }) => only.has(split ?? "")),
    count: Object.entries(placing.counts).reduce((sum, [split, n]) => sum + (only?.has(split) === false ? 0 : n), 0),
    ...{ placing, digest: digest.result(), passedOver: passed.result() },
    ...(manifest === undefined ? {} : { media: manifest.media }),
  };
}

async function manifestOf(data: Extract<DataSource, { kind: "manifest" }>, options: Options): Promise<Manifest> {
  const { path, mediaRoot, allowOutside, windows } = data;
  const choice = await choiceOf(data);
  const { classes, signal } = options;
  const listed = await openManifest(path, { mediaRoot, allowOutside, classes, only: choice.only });
  const cut =
    windows === undefined ? listed : inWindows(listed, { seconds: windows, decoder: options.opened.decoder, signal });
  return choice.splitBy === undefined ? cut : splitBy(cut, choice.splitBy);
}

/** The clips of a made set; files that are there already are used again. */
async function syntheticItems(
  data: Extract<DataSource, { kind: "synthetic" }>,
  options: Options,
): Promise<readonly ManifestItem[]> {
  const { directory, opened, seed, signal, onNote, onProgress } = options;
  const { ffmpeg, workers } = opened;
  const counts = { train: data.train, validation: data.validation, test: data.test };
  const total = data.train + data.validation + data.test;
  const made = await makeSet({
    ...{ directory, ffmpeg, counts, seed, signal, workers, options: data.scene },
    onProgress: ({ done }) => onProgress?.({ stage: "media", unit: "clips", done, total }),
  });
  if (made.directory !== directory)
    onNote?.(`${directory} holds clips of another seed; these are in ${made.directory}`);
  return made.items;
}
