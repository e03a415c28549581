import { join } from "node:path";
import { KdcError, type Stream } from "@kdc-mae/core";
import type { FileEmbedder } from "../evaluate/embed-files.js";
import type { ClipStore } from "./clip-store.js";

/** What is asked: a file by one stream, compared with one stream of the indexed clips. */
export type SearchQuestion = {
  readonly file: string;
  readonly by: Stream;
  readonly among: Stream;
  readonly count: number;
};

/** What was found, nearest first. */
export type SearchAnswer = SearchQuestion & {
  /** Clips in the index. */
  readonly clips: number;
  readonly model: string;
  readonly found: readonly {
    readonly place: number;
    readonly file: string;
    /** Where it lies: the indexed folder and the file. */
    readonly path: string;
    readonly cosine: number;
  }[];
};

/**
 * Finds the clips nearest to a file.
 *
 * @throws KdcError (`empty-index`) when nothing is indexed; with a `MediaReason` when the file cannot be read as asked
 */
export async function findClips(
  store: ClipStore,
  embedder: Pick<FileEmbedder, "embed" | "embedSound" | "embedPicture">,
  question: SearchQuestion,
): Promise<SearchAnswer> {
  const clips = await store.count();
  if (clips === 0) {
    throw new KdcError({
      where: "search",
      what: "the index is empty",
      remedy: "Look at what kdc-mae index left out, and index a folder that holds films with sound",
      reason: "empty-index",
    });
  }
  const { file, by, among, count } = question;
  const ask = {
    audio: () => embedder.embedSound(file),
    visual: () => embedder.embedPicture(file),
    joint: async () => (await embedder.embed(file)).joint,
  };
  const nearest = await store.nearest(among, await ask[by](), count);
  const found = nearest.map(({ clip, cosine }, index) => ({
    place: index + 1,
    file: clip.file,
    path: join(store.about.root, clip.file),
    cosine,
  }));
  return { ...question, clips, model: store.about.model.name, found };
}
