import { type FloatTensor, type HostPatches, KdcError, type Stream } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import type { Execute } from "@kdc-mae/engine";
import { labelIndices, type Matrix } from "@kdc-mae/eval";
import type { ModelConfig } from "@kdc-mae/model";
import type { Cutting } from "./cutting.js";
import { createBatchEmbedder, type WithEncoder } from "./embedding.js";

/** The picture in the middle of a clip, by rule. */
export const middleFrame = (clip: StoredClip): number => Math.floor(clip.frames.length / 2);

/** Clips with their middle pictures as patches; where clips run out, the last one fills the batch up. */
export type FilledBatch = { readonly clips: readonly StoredClip[]; readonly patches: HostPatches };

/** Clips one after the other, held or still to come. */
export type ClipStream = Iterable<StoredClip> | AsyncIterable<StoredClip>;

/** `batch` of some items, the last one again where they run out. */
export const filled = <T>(items: readonly T[], batch: number): readonly T[] =>
  Array.from({ length: batch }, (_, at) => items[Math.min(at, items.length - 1)]);

/** Batches of one size, as compiled programs want them; the next are cut while one is used. */
export async function* filledBatches(clips: ClipStream, { batch, cutter }: Cutting): AsyncGenerator<FilledBatch> {
  async function* groups() {
    const groupOf = (part: readonly StoredClip[]) => ({
      clips: part,
      shown: filled(part, batch).map((clip) => ({ clip })),
    });
    let part: StoredClip[] = [];
    for await (const clip of clips) {
      part.push(clip);
      if (part.length < batch) continue;
      yield groupOf(part);
      part = [];
    }
    if (part.length > 0) yield groupOf(part);
  }
  yield* cutter.ahead(groups());
}

/** One clip's embeddings: mean of each stream `[D]`, and the visual tokens `[Nv, D]`. */
export type ClipEmbedding = {
  readonly clip: StoredClip;
  readonly audio: Float32Array;
  readonly visual: Float32Array;
  readonly joint: Float32Array;
  readonly tokens: Matrix;
};

const row = ({ data, shape }: FloatTensor, index: number): Float32Array => {
  const length = data.length / shape[0];
  return data.slice(index * length, (index + 1) * length);
};

/** Embeds clips, nothing hidden, middle picture. */
export async function embedClips(
  clips: readonly StoredClip[],
  model: { readonly execute: Execute; readonly config: ModelConfig; readonly params: WithEncoder<FloatTensor> },
  cutting: Cutting,
  onProgress: (done: number) => void = () => undefined,
): Promise<readonly ClipEmbedding[]> {
  const { execute, config, params } = model;
  const made: ClipEmbedding[] = [];
  const embedder = createBatchEmbedder(execute, config, params);
  try {
    for await (const { clips: part, patches } of filledBatches(clips, cutting)) {
      const { audio, visual, joint, tokens } = await embedder.embed(patches);
      for (const [index, clip] of part.entries()) {
        made.push({
          clip,
          audio: row(audio, index),
          visual: row(visual, index),
          joint: row(joint, index),
          tokens: { shape: tokens.shape.slice(1), data: row(tokens, index) },
        });
      }
      onProgress(made.length);
    }
  } finally {
    await embedder.dispose();
  }
  return made;
}

/** One stream of many clips as a matrix `[N, D]`. */
export function stacked(embeddings: readonly ClipEmbedding[], stream: Stream): Matrix {
  const width = embeddings[0]?.[stream].length ?? 0;
  const data = new Float32Array(embeddings.length * width);
  for (const [index, embedding] of embeddings.entries()) data.set(embedding[stream], index * width);
  return { shape: [embeddings.length, width], data };
}

/** The place of each clip's (first) label among the kinds. */
export function labelsOf(embeddings: readonly ClipEmbedding[], kinds: readonly string[]): Int32Array {
  const unlabelled = embeddings.find(({ clip }) => clip.item.labels.length === 0);
  if (unlabelled !== undefined) {
    throw new KdcError({
      where: "classification",
      what: `the clip ${unlabelled.clip.item.id} has no label`,
      remedy: "Label every clip of the manifest, or leave it out",
      reason: "no-label",
    });
  }
  return labelIndices(
    kinds,
    embeddings.map(({ clip }) => clip.item.labels[0]),
  );
}
