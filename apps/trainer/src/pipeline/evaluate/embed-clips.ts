import type { FloatTensor, HostPatches } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import type { Execute } from "@kdc-mae/engine";
import type { Matrix } from "@kdc-mae/eval";
import type { ModelConfig } from "@kdc-mae/model";
import { sharedMap } from "../ranks/shared-map.js";
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

/** Row `index` of a tensor whose first axis is the batch. */
export const rowOf = ({ data, shape }: FloatTensor, index: number): Float32Array => {
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
    const embed = ({ patches }: FilledBatch) => embedder.embed(patches);
    for await (const [{ clips: part }, embedded] of sharedMap(cutting.between, filledBatches(clips, cutting), embed)) {
      const { audio, visual, joint, tokens } = embedded;
      for (const [index, clip] of part.entries()) {
        made.push({
          clip,
          audio: rowOf(audio, index),
          visual: rowOf(visual, index),
          joint: rowOf(joint, index),
          tokens: { shape: tokens.shape.slice(1), data: rowOf(tokens, index) },
        });
      }
      onProgress(made.length);
    }
  } finally {
    await embedder.dispose();
  }
  return made;
}
