import { resolve } from "node:path";
import { withLock } from "@kdc-mae/core/node";
import type { Execute } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { type DecoderChoice, openDecoder } from "../corpus/open-decoder.js";
import { createFileEmbedder } from "../evaluate/embed-files.js";
import { type ReadOptions, readEncoder } from "../run/read-saved.js";
import { clockOf, type Surroundings } from "../surroundings.js";
import type { IndexAbout } from "./clip-store.js";
import { expectModel, fingerprint } from "./fingerprint.js";
import { isAddress, openStore, type StoreKind } from "./open-store.js";
import { type Scan, scanFolder } from "./scan-folder.js";
import { expectRoot, type IndexChange, updateIndex } from "./update-index.js";

/** Which model {@link indexFolder} embeds with, and where the index is kept. */
export type IndexFolderOptions = Surroundings &
  Pick<ReadOptions, "assume"> &
  DecoderChoice & {
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
  /** Clips in the index now. */
  readonly clips: number;
  /** Files that are no films by their names, by ending. */
  readonly passedBy: Readonly<Record<string, number>>;
};

/**
 * Embeds the clips of a folder into an index that can be searched. Called again, it embeds what is new or changed and
 * takes out what is gone.
 *
 * @throws KdcError for an index of another folder or model; AbortError when stopped, all done so far kept
 */
export async function indexFolder(folder: string, options: IndexFolderOptions): Promise<IndexedFolder> {
  const { model: path, index, execute = compiled() } = options;
  const scan = await scanFolder(folder);
  const model = await readEncoder(path, options);
  const about = {
    format: 1 as const,
    root: resolve(folder),
    model: await fingerprint(path, model),
    width: model.config.embedDim,
  };
  const work = () => indexInto(folder, scan, model, about, options, execute);
  // An object store keeps its own order of changes.
  return isAddress(index) ? work() : withLock(index, work);
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
  expectRoot(index, store.about, about.root);
  const embedder = await createFileEmbedder(model, execute, (await openDecoder(options, options)).decoder);
  try {
    const change = await updateIndex({
      ...{ store, folder, scan, embedder, signal, clock: clockOf(options) },
      onProgress: (done, total) => onProgress?.({ stage: "index", unit: "clips", done, total }),
    });
    const clips = await store.count();
    const { root, model: by } = store.about;
    return { index, store: store.kind, folder: root, model: by, clips, ...change, passedBy: scan.passedBy };
  } finally {
    await store.close();
    await embedder.dispose();
  }
}
