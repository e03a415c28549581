import { resolve } from "node:path";
import { withLock } from "@kdc-mae/core/node";
import type { Execute } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { clockText } from "@kdc-mae/eval/report";
import { clipFormFor } from "../corpus/clip-form.js";
import { type DecoderChoice, openDecoder } from "../corpus/open-decoder.js";
import { createFileEmbedder } from "../embed/embed-files.js";
import { expectApart } from "../prepare/expect-apart.js";
import { told } from "../ranks/ranks.js";
import { type ReadOptions, readEncoder } from "../run/read-saved.js";
import { clockOf, type Progress, ranksOf, type Surroundings } from "../surroundings.js";
import type { IndexAbout } from "./clip-store.js";
import { expectModel, fingerprint } from "./fingerprint.js";
import { knownFiles } from "./known-files.js";
import { isAddress, openStore, type StoreKind } from "./open-store.js";
import { type Scan, scanFolder } from "./scan-folder.js";
import { expectSame, helpToUpdate, type IndexChange, type IndexProgress, updateIndex } from "./update-index.js";

/** Which model {@link indexFolder} embeds with, and where the index is kept. */
export type IndexFolderOptions = Surroundings &
  Pick<ReadOptions, "assume"> &
  DecoderChoice & {
    /** Length of a window, seconds (the model's own by default), and from one to the next (side by side by default). */
    readonly window?: number;
    readonly hop?: number;
    /** The model's file. */
    readonly model: string;
    /** Where the index is kept: a folder, or an address of an object store for LanceDB. */
    readonly index: string;
    /** How a new index is kept. */
    readonly store?: StoreKind;
    /** Where else to look for LanceDB than beside this package. */
    readonly modules?: readonly string[];
    /** What computes; ONNX Runtime on the processor unless given. */
    readonly execute?: Execute;
  };

/** What indexing did. */
export type IndexedFolder = IndexChange & {
  readonly index: string;
  readonly store: StoreKind;
  /** The indexed folder, and the model. */
  readonly folder: string;
  readonly model: IndexAbout["model"];
  /** Clips in the index now: windows of files. */
  readonly clips: number;
  /** Files in the index now. */
  readonly files: number;
  /** Files that are no media by their names, by ending. */
  readonly passedBy: Readonly<Record<string, number>>;
};

/**
 * Embeds the films, sound files and pictures of a folder into an index that can be searched, window by window over their
 * whole length. Called again, it embeds what is new or changed, goes on in a film where it was stopped, and takes out
 * what is gone. Ranks share the files; the first keeps the index, and all are told what was done.
 *
 * @throws KdcError for an index of another folder or model; AbortError when stopped, all done so far kept
 */
export async function indexFolder(folder: string, options: IndexFolderOptions): Promise<IndexedFolder> {
  const { model: path, index, execute = compiled() } = options;
  const ranks = ranksOf(options);
  if (!isAddress(index)) await expectApart("--index", index, folder);
  const scan: Scan = ranks.rank === 0 ? await scanFolder(folder) : { candidates: [], passedBy: {} };
  const model = await readEncoder(path, options);
  const { window = clipFormFor(model.config, 1).seconds } = options;
  const about: IndexAbout = {
    format: 2,
    root: resolve(folder),
    model: await fingerprint(path, model),
    width: model.config.embedDim,
    ...{ window, hop: options.hop ?? window },
  };
  if (ranks.rank > 0) return helpToIndex(folder, model, about, options, execute);
  const work = () => indexInto(folder, scan, model, about, options, execute);
  // An object store keeps its own order of changes.
  return told(ranks, () => (isAddress(index) ? work() : withLock(index, work)));
}

async function indexInto(
  folder: string,
  scan: Scan,
  model: Awaited<ReturnType<typeof readEncoder>>,
  about: IndexAbout,
  options: IndexFolderOptions,
  execute: Execute,
): Promise<IndexedFolder> {
  const { index, signal, onProgress } = options;
  const store = await openStore(index, { kind: options.store, fresh: about, folders: options.modules });
  expectModel(index, store.about, about.model);
  expectSame(index, store.about, about);
  const embedder = createFileEmbedder(model, execute, (await openDecoder(options, options)).decoder);
  try {
    const change = await updateIndex({
      ...{ store, ranks: ranksOf(options), folder, scan, embedder, signal, clock: clockOf(options) },
      onProgress: (progress) => onProgress?.(inMegabytes(progress)),
    });
    const clips = await store.count();
    const files = (await knownFiles(store)).size;
    const { root, model: by } = store.about;
    return { index, store: store.kind, folder: root, model: by, clips, files, ...change, passedBy: scan.passedBy };
  } finally {
    await store.close();
    await embedder.dispose();
  }
}

/** What a rank does that is not the first: it embeds files, and is told what became of the index. */
async function helpToIndex(
  folder: string,
  model: Awaited<ReturnType<typeof readEncoder>>,
  about: IndexAbout,
  options: IndexFolderOptions,
  execute: Execute,
): Promise<IndexedFolder> {
  const ranks = ranksOf(options);
  const embedder = createFileEmbedder(model, execute, (await openDecoder(options, options)).decoder);
  try {
    await helpToUpdate({ ranks, folder, embedder, signal: options.signal }, about);
    return await told<IndexedFolder>(ranks, () => Promise.reject(new Error("the first rank has the index")));
  } finally {
    await embedder.dispose();
  }
}

/** Progress by what files weigh, with the film's name and its time. */
function inMegabytes({ done, total, file, at, length }: IndexProgress): Progress {
  const megabytes = (bytes: number) => Math.round(bytes / 1e5) / 10;
  const note = at === undefined || length === undefined ? file : `${file} ${clockText(at)} of ${clockText(length)}`;
  return { stage: "index", unit: "MB", done: megabytes(done), total: megabytes(total), note };
}
