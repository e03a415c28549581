import type { ClipItem, HostPatches } from "@kdc-mae/core";
import type { Decoder } from "@kdc-mae/data/node";
import type { Execute } from "@kdc-mae/engine";
import { cutBatch } from "../corpus/batch.js";
import { frontEndFor } from "../corpus/front-end.js";
import { type StoredClip, storeClip } from "../corpus/stored-clip.js";
import type { SavedModel } from "../run/model-file.js";
import { createEmbedder, type Embedder } from "./embedding.js";

/** One file as the model sees it: means over its windows, each `[D]`. */
export type FileEmbedding = {
  readonly file: string;
  /** Windows of the model's own length that were averaged. */
  readonly windows: number;
  readonly audio: Float32Array;
  readonly visual: Float32Array;
  readonly joint: Float32Array;
};

/** At most this much of a file is looked at, seconds. */
const LONGEST = 10;

/** Where windows of `length` seconds begin in a file that lasts `duration`: side by side, the last one whole. */
function windowStarts(duration: number, length: number): readonly number[] {
  const usable = Math.min(duration, LONGEST);
  const count = Math.max(1, Math.floor(usable / length + 1e-6));
  return Array.from({ length: count }, (_, index) => index * length);
}

/** Embeds files one by one with one program: windows side by side over the first ten seconds, then their mean. */
export async function createFileEmbedder(
  model: SavedModel,
  execute: Execute,
  decoder: Decoder,
): Promise<{ embed(file: string): Promise<FileEmbedding>; dispose(): Promise<void> }> {
  const { config, statistics, params } = model;
  const frontEnd = frontEndFor(config, 1);
  let embedder: Embedder | undefined;

  const decodeWindow = async (file: string, start: number, duration: number): Promise<StoredClip> => {
    const end = Math.min(duration, start + frontEnd.seconds + 0.1);
    const item: ClipItem = { id: file, path: file, start, end, labels: [] };
    const middle = Math.min(frontEnd.seconds, end - start) / 2;
    const clip = await decoder.decode(item, {
      sampleRate: frontEnd.logMel.sampleRate,
      frames: { times: [middle] },
      size: frontEnd.imageSize,
    });
    return storeClip(clip, frontEnd);
  };

  return {
    embed: async (file) => {
      const { duration = frontEnd.seconds } = await decoder.probe(file);
      const starts = windowStarts(duration, frontEnd.seconds);
      const sums = (["audio", "visual", "joint"] as const).map(
        (stream) => [stream, new Float32Array(config.embedDim)] as const,
      );
      for (const start of starts) {
        const clip = await decodeWindow(file, start, duration);
        const patches: HostPatches = cutBatch([{ clip, frame: 0 }], config, statistics);
        embedder ??= await createEmbedder(execute, config, params, patches);
        const made = await embedder.embed(patches);
        for (const [stream, sum] of sums) {
          for (let i = 0; i < sum.length; i++) sum[i] += made[stream].data[i] / starts.length;
        }
      }
      const { audio, visual, joint } = Object.fromEntries(sums) as Record<"audio" | "visual" | "joint", Float32Array>;
      return { file, windows: starts.length, audio, visual, joint };
    },
    dispose: async () => embedder?.dispose(),
  };
}
