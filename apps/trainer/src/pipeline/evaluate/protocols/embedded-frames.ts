import { type FloatTensor, KdcError, type Patches } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { createModelRunner } from "@kdc-mae/engine";
import type { FrameEmbeddings } from "@kdc-mae/eval";
import { features, type ModelConfig } from "@kdc-mae/model";
import { mean, type Tensor } from "@tensorflow/tfjs-core";
import type { ClipSet } from "../../corpus/clip-set.js";
import { filled, middleFrame } from "../embed-clips.js";
import type { WithEncoder } from "../embedding.js";
import { stacked } from "./embedded-set.js";
import { type Subject, sharedOf } from "./subject.js";

type Inputs = { readonly params: WithEncoder<Tensor>; readonly patches: Patches };

/** What stands for sound and picture: the mean of their patch tokens, or their global tokens. */
export type Standing = "patches" | "global";

const standingFor =
  (config: ModelConfig, tokens: Standing) =>
  ({ params, patches }: Inputs) => {
    const { audio, visual, globalAudio, globalVisual } = features(config, params, patches);
    // Of a global token the mean is itself.
    const [heard, seen] = tokens === "global" ? [globalAudio!, globalVisual!] : [audio, visual];
    return { audio: mean(heard, 1), visual: mean(seen, 1) };
  };

/**
 * Embeds pictures of every clip, each with the sound that goes with it, clip after clip: all of its pictures, or the one
 * in the middle.
 *
 * @throws KdcError for clips with other numbers of pictures than the first
 */
export async function embedFrames(
  clips: ClipSet,
  { saved, execute, cutting, onProgress, signal }: Subject,
  { tokens, frames }: { readonly tokens: Standing; readonly frames: "all" | "middle" },
): Promise<FrameEmbeddings> {
  const { config, params } = sharedOf(saved);
  const { batch, cutter } = cutting;
  let [done, each]: [number, number | undefined] = [0, undefined];

  async function* groups() {
    let waiting: { clip: StoredClip; picture: number }[] = [];
    const group = (own: typeof waiting) => ({ own, shown: filled(own, batch) });
    for await (const clip of clips.read()) {
      signal?.throwIfAborted();
      const pictures = frames === "all" ? [...clip.frames.keys()] : [middleFrame(clip)];
      each ??= pictures.length;
      if (pictures.length !== each) {
        throw new KdcError({
          where: `clip ${clip.item.id}`,
          what: `it has ${pictures.length} pictures and the clips before it have ${each}, and frames are compared with frames`,
          remedy: "Leave it out, or take as many pictures of every clip (visual.framesPerClip, prepare --frames)",
          reason: "protocol",
        });
      }
      waiting.push(...pictures.map((picture) => ({ clip, picture })));
      for (; waiting.length >= batch; waiting = waiting.slice(batch)) yield group(waiting.slice(0, batch));
      onProgress(`embedding frames: ${++done}/${clips.items.length}`);
    }
    if (waiting.length > 0) yield group(waiting);
  }

  const [heard, seen]: [Float32Array[], Float32Array[]] = [[], []];
  const runner = createModelRunner(execute, standingFor(config, tokens), { encoder: params.encoder });
  const D = config.embedDim;
  try {
    for await (const { own, patches } of cutter.ahead(groups())) {
      const { audio, visual } = (await runner.run({ patches })) as Record<"audio" | "visual", FloatTensor>;
      for (const at of own.keys()) {
        heard.push(audio.data.slice(at * D, (at + 1) * D));
        seen.push(visual.data.slice(at * D, (at + 1) * D));
      }
    }
  } finally {
    await runner.dispose();
  }
  return { audio: stacked(heard, D), visual: stacked(seen, D), frames: each ?? 1 };
}
