import { join } from "node:path";
import { KdcError, type Stream } from "@kdc-mae/core";
import type { EmbeddedWindow, FileEmbedder } from "../embed/embed-files.js";
import { streamNames } from "../embed/stream-names.js";
import type { ClipStore, Found } from "./clip-store.js";
import { type Moment, momentsOf } from "./moments.js";

/** What is asked: a file by one stream, compared with one stream of the indexed clips. */
export type SearchQuestion = {
  readonly file: string;
  readonly by: Stream;
  readonly among: Stream;
  readonly count: number;
};

/** What was found, nearest first. */
export type SearchAnswer = SearchQuestion & {
  /** Clips in the index, and how many of them have what is compared. */
  readonly clips: number;
  readonly compared: number;
  readonly model: string;
  readonly found: readonly (Moment & {
    readonly place: number;
    /** Where it lies: the indexed folder and the file. */
    readonly path: string;
  })[];
};

/** Windows beside one another are one moment, so that more of them are asked for than moments are wanted. */
const margin = 4;

/**
 * Finds the moments nearest to a file: to any of its windows.
 *
 * @param question `by`: what the file has, sound and picture together before one of them, by default; `among`: the same
 *   by default
 * @throws KdcError (`empty-index`) when nothing is indexed that could be compared; with a `MediaReason` when the file
 *   cannot be read as asked
 */
export async function findClips(
  store: ClipStore,
  embedder: Pick<FileEmbedder, "read" | "embedWindows">,
  question: Pick<SearchQuestion, "file" | "count"> & Partial<Pick<SearchQuestion, "by" | "among">>,
  signal?: AbortSignal,
): Promise<SearchAnswer> {
  const clips = await store.count();
  if (clips === 0) {
    throw new KdcError({
      where: "search",
      what: "the index is empty",
      remedy: "Look at what kdc-mae index left out, and index a folder that holds films, sound files or pictures",
      reason: "empty-index",
    });
  }
  const { file, count } = question;
  const { window, hop } = store.about;
  const asked: EmbeddedWindow[] = [];
  const windows = embedder.read(file, { window, hop, signal, ...onlyFor(question.by) });
  for await (const made of embedder.embedWindows(windows)) asked.push(made);
  const has = (stream: Stream) => asked.some((one) => one[stream] !== undefined);
  const by = question.by ?? (has("joint") ? "joint" : has("audio") ? "audio" : "visual");
  if (question.among !== undefined && question.by === undefined && by === "joint") throw both(file, question.among);
  const among = question.among ?? by;
  const vectors = asked.flatMap((one) => one[by] ?? []);
  if (vectors.length === 0) throw lacking(file, by);
  const compared = await store.count(among);
  if (compared === 0) {
    const words = { audio: "sound", visual: "pictures", joint: "both sound and pictures" };
    const others = streamNames.filter((stream) => stream !== among && stream !== "joint");
    throw new KdcError({
      where: "search",
      what: `nothing in the index has ${words[among]}`,
      remedy: `Search by sound or by picture, among what the index has: ${others.map((stream) => `--among ${stream}`).join(" or ")}`,
      reason: "empty-index",
    });
  }
  let moments: Moment[] = [];
  for (let wanted = margin * count; ; wanted *= 2) {
    const nearest = await nearestToAny(store, among, vectors, wanted);
    moments = momentsOf(nearest, count);
    if (moments.length >= count || wanted >= compared) break;
  }
  const found = moments.slice(0, count).map((moment, index) => ({
    ...moment,
    place: index + 1,
    path: join(store.about.root, moment.file),
  }));
  return { file, by, among, count, clips, compared, model: store.about.model.name, found };
}

const onlyFor = (by: Stream | undefined) =>
  by === "audio" ? { only: "sound" as const } : by === "visual" ? { only: "pictures" as const } : {};

/** The clips nearest to any of some vectors. */
async function nearestToAny(
  store: ClipStore,
  among: Stream,
  vectors: readonly Float32Array[],
  count: number,
): Promise<readonly Found[]> {
  const best = new Map<string, Found>();
  for (const vector of vectors) {
    for (const found of await store.nearest(among, vector, count)) {
      const key = `${found.clip.start} ${found.clip.file}`;
      if (found.cosine > (best.get(key)?.cosine ?? Number.NEGATIVE_INFINITY)) best.set(key, found);
    }
  }
  return [...best.values()].sort((a, b) => b.cosine - a.cosine).slice(0, count);
}

const lacking = (file: string, by: Stream) =>
  new KdcError({
    where: file,
    what: `it has no ${by === "joint" ? "moment with both sound and picture" : by === "audio" ? "sound" : "picture"}`,
    remedy: "Search by what it has: --audio or --visual",
    reason: by === "audio" ? "no-audio" : "no-video",
  });

const both = (file: string, among: Stream) =>
  new KdcError({
    where: `--among ${among}`,
    what: `${file} has sound and pictures, which together can only be compared with sound and pictures together`,
    remedy: "Add --audio or --visual to say what to search by",
    reason: "usage",
  });
