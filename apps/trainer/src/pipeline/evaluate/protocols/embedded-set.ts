import type { Stream } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { type Matrix, matrix } from "@kdc-mae/eval";
import type { ClipSet } from "../../corpus/clip-set.js";
import { sharedMap } from "../../ranks/shared-map.js";
import { type FilledBatch, filledBatches, rowOf } from "../embed-clips.js";
import { createBatchEmbedder, type Embeddings } from "../embedding.js";
import { type Subject, sharedOf } from "./subject.js";

/** Mean embeddings of every clip of a set, one row each, with what the clips are called. */
export type EmbeddedSet = Readonly<Record<Stream, Matrix>> & {
  readonly ids: readonly string[];
  readonly labels: readonly (readonly string[])[];
  /** How many of the clips say where something is. */
  readonly boxed: number;
};

const streams = ["audio", "visual", "joint"] as const;

/** Rows of `width` numbers as a matrix. */
export function stacked(rows: readonly Float32Array[], width: number): Matrix {
  const all = matrix(rows.length, width);
  for (const [at, row] of rows.entries()) all.data.set(row, at * width);
  return all;
}

/** Embeds clips batch by batch, nothing hidden, middle picture; only one batch is held at a time. */
export async function* embedBatches(
  clips: ClipSet,
  subject: Pick<Subject, "saved" | "execute" | "cutting" | "onProgress" | "signal">,
  what: string,
): AsyncGenerator<{ readonly clips: readonly StoredClip[]; readonly made: Embeddings }> {
  const { config, params } = sharedOf(subject.saved);
  const embedder = createBatchEmbedder(subject.execute, config, params);
  let done = 0;
  try {
    const { cutting } = subject;
    const embed = ({ patches }: FilledBatch) => embedder.embed(patches);
    for await (const [{ clips: part }, made] of sharedMap(
      cutting.between,
      filledBatches(clips.read(), cutting),
      embed,
    )) {
      subject.signal?.throwIfAborted();
      yield { clips: part, made };
      done += part.length;
      subject.onProgress(`${what}: ${done}/${clips.items.length}`);
    }
  } finally {
    await embedder.dispose();
  }
}

/** Mean embeddings of a whole set. */
export async function embedSet(
  clips: ClipSet,
  subject: Pick<Subject, "saved" | "execute" | "cutting" | "onProgress" | "signal">,
  what: string,
): Promise<EmbeddedSet> {
  const width = sharedOf(subject.saved).config.embedDim;
  const rows = { audio: [] as Float32Array[], visual: [] as Float32Array[], joint: [] as Float32Array[] };
  const [ids, labels]: [string[], (readonly string[])[]] = [[], []];
  let boxed = 0;
  for await (const { clips: part, made } of embedBatches(clips, subject, what)) {
    for (const [index, { item }] of part.entries()) {
      ids.push(item.id);
      if (item.boxes !== undefined) boxed += 1;
      labels.push(item.labels);
      for (const stream of streams) rows[stream].push(rowOf(made[stream], index));
    }
  }
  const [audio, visual, joint] = streams.map((stream) => stacked(rows[stream], width));
  return { ids, labels, boxed, audio, visual, joint };
}

/** Embeds a set at most once, however many protocols look at it. */
export function embeddings(subject: Subject): (split: Subject["split"]) => Promise<EmbeddedSet> {
  const made = new Map<string, Promise<EmbeddedSet>>();
  return (split) => {
    const known = made.get(split) ?? embedSet(subject.sets[split], subject, `embedding ${split} clips`);
    made.set(split, known);
    return known;
  };
}
