import { createRng, KdcError } from "@kdc-mae/core";
import { neighbours } from "@kdc-mae/eval";
import { UMAP } from "umap-js";
import { answerWith, inTurn } from "../calls/answer.js";
import { type PageIndex, type PageWindow, readIndex, type StreamName } from "./index-files.js";

export type FoundWindow = PageWindow & { readonly cosine: number };

let index: PageIndex | undefined;
const opened = (): PageIndex => {
  if (index !== undefined) return index;
  throw new KdcError({
    where: "search",
    what: "there is no index yet",
    remedy: "Choose one first",
    reason: "no-index",
  });
};

/** What searching is: an index in memory, its nearest clips, and a map of all. */
const work = {
  /** @param files by their names; those of a served index are fetched */
  open: async ({
    files,
    base,
  }: {
    files: readonly { readonly name: string; readonly file: Blob }[];
    base?: string;
  }) => {
    const fileOf = async (name: string): Promise<Blob | undefined> => {
      if (base === undefined) return files.find((one) => one.name === name)?.file;
      const answer = await fetch(`${base}${name}`);
      return answer.ok ? answer.blob() : undefined;
    };
    index = await readIndex(fileOf);
    return { model: index.model, clips: index.windows };
  },
  nearest: ({
    among,
    query,
    count,
  }: {
    among: StreamName;
    query: Float32Array;
    count: number;
  }): readonly FoundWindow[] => {
    const { width, streams } = opened();
    const { windows, vectors } = streams[among];
    if (query.length !== width) {
      const what = `the model's embeddings have ${query.length} dimensions, and the index's ${width}`;
      throw new KdcError({
        where: "search",
        what,
        remedy: "Use the model the index was made with",
        reason: "other-model",
      });
    }
    if (windows.length === 0) return [];
    const [found] = neighbours(
      { shape: [1, width], data: query },
      { shape: [windows.length, width], data: vectors },
      Math.min(count, windows.length),
    );
    return found.map(({ index: at, cosine }) => ({ ...windows[at], cosine }));
  },
  /** Every clip in two dimensions, by UMAP (McInnes et al. 2018) over what of them was asked for. */
  map: async (among: StreamName, tell: (done: number) => void) => {
    const { width, streams } = opened();
    const { windows, vectors } = streams[among];
    if (windows.length < 4) {
      throw new KdcError({
        where: "map",
        what: `a map needs four clips or more, and there ${windows.length === 1 ? "is 1" : `are ${windows.length}`}`,
        remedy: "Index more clips",
        reason: "few",
      });
    }
    const rows = windows.map((_, row) => {
      const vector = [...vectors.subarray(row * width, (row + 1) * width)];
      const length = Math.hypot(...vector) || 1;
      return vector.map((value) => value / length);
    });
    const rng = createRng("map");
    const umap = new UMAP({ nNeighbors: Math.min(15, windows.length - 1), random: rng.uniform });
    const points = await umap.fitAsync(rows, (epoch) => {
      if (epoch % 50 === 0) tell(epoch);
    });
    return { windows, points: points.map(([x, y]) => [x, y] as const) };
  },
};
export type MapWork = typeof work;

answerWith(inTurn(work));
