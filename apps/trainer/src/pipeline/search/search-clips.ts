import { KdcError, type Stream } from "@kdc-mae/core";
import type { Execute } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { type DecoderChoice, openDecoder } from "../corpus/open-decoder.js";
import { createFileEmbedder } from "../embed/embed-files.js";
import { type ReadOptions, readEncoder } from "../run/read-saved.js";
import type { Surroundings } from "../surroundings.js";
import { findClips, type SearchAnswer } from "./find-clips.js";
import { expectModel, fingerprint } from "./fingerprint.js";
import { openStore } from "./open-store.js";

/** What {@link searchClips} asks of which index. */
export type SearchClipsOptions = Surroundings &
  Pick<ReadOptions, "assume"> &
  DecoderChoice & {
    /** The file of the model that the index was made with. */
    readonly model: string;
    readonly index: string;
    /** What is asked by: the file's sound, its picture, or both together; all that it has unless given. */
    readonly by?: Stream;
    /** What of the clips it is compared with; what is asked by unless given. */
    readonly among?: Stream;
    readonly count?: number;
    /** Where else to look for LanceDB than beside this package. */
    readonly modules?: readonly string[];
    /** What computes; ONNX Runtime on the processor unless given. */
    readonly execute?: Execute;
  };

/**
 * Finds the moments of an index that are nearest to a film, a sound file or a picture.
 *
 * @throws KdcError for an index of another model, an empty one, or a file that cannot be read as asked
 */
export async function searchClips(file: string, options: SearchClipsOptions): Promise<SearchAnswer> {
  const { model: path, index, by, among, count = 10, execute = compiled() } = options;
  if (among !== undefined && by !== undefined && (by === "joint") !== (among === "joint")) {
    throw new KdcError({
      where: "--among",
      what: "sound and picture together can only be compared with sound and picture together",
      remedy: "Add --audio or --visual to say what to search by",
      reason: "usage",
    });
  }
  const model = await readEncoder(path, options);
  const store = await openStore(index, { folders: options.modules });
  expectModel(index, store.about, await fingerprint(path, model));
  const embedder = createFileEmbedder(model, execute, (await openDecoder(options, options)).decoder);
  try {
    return await findClips(store, embedder, { file, by, among, count }, options.signal);
  } finally {
    await store.close();
    await embedder.dispose();
  }
}
