import type { Encoded, Evidence, Rng, ViewEvidence } from "@kdc-mae/core";
import { logSoftmax, reshape, type Tensor2D, type Tensor3D, tensor2d, tensor3d, tidy } from "@tensorflow/tfjs-core";

const defaults = {
  clips: 3,
  views: 3,
  embedDim: 13,
  audioPatches: 11,
  audioVisible: 5,
  audioNumbers: 7,
  visualPatches: 7,
  visualVisible: 2,
  visualNumbers: 17,
};

/** Sizes of {@link exampleEvidence}; the defaults are unlike each other, so that swapped axes do not go unseen. */
export type ExampleSizes = Readonly<typeof defaults>;

/**
 * Evidence as a model would give it, of normal random numbers: patches, V views with tokens, reconstructions and
 * predicted tokens, a teacher's tokens of the views and of the whole, and a view of the contrast alone. Its tensors
 * belong to the caller.
 *
 * @example
 * ```ts
 * import { createRng } from "@kdc-mae/core";
 * import { exampleEvidence } from "@kdc-mae/losses/testing";
 * import "@tensorflow/tfjs"; // a backend
 *
 * const { patches, views } = exampleEvidence(createRng(1), { clips: 5, views: 2 });
 * console.log(patches.audio.shape, views[0].encoded.joint.shape); // [5, 11, 7] [5, 7, 13]
 * ```
 */
export function exampleEvidence(rng: Rng, sizes: Partial<ExampleSizes> = {}): Evidence {
  const { clips: B, views, embedDim, ...size } = { ...defaults, ...sizes };
  const normal = (name: string, N: number, D: number): Tensor3D => {
    const stream = rng.fork(name);
    return tensor3d(
      Float32Array.from({ length: B * N * D }, () => stream.normal()),
      [B, N, D],
    );
  };
  const positions = (name: string, N: number, K: number): { visible: Tensor2D; hidden: Tensor2D } => {
    const decks = Array.from({ length: B }, (_, clip) => [...rng.fork(`${name}/${clip}`).permutation(N)]);
    const cut = (start: number, end: number) =>
      tensor2d(
        decks.flatMap((deck) => deck.slice(start, end)),
        [B, end - start],
        "int32",
      );
    return { visible: cut(0, K), hidden: cut(K, N) };
  };
  const encoded = (name: string, Ka = size.audioVisible, Kv = size.visualVisible): Encoded => ({
    joint: normal(`${name}/joint`, Ka + Kv, embedDim),
    audio: normal(`${name}/audio`, Ka, embedDim),
    visual: normal(`${name}/visual`, Kv, embedDim),
    globalAudio: normal(`${name}/global audio`, 1, embedDim),
    globalVisual: normal(`${name}/global visual`, 1, embedDim),
  });
  const logProbabilities = (name: string, N: number): Tensor2D =>
    tidy(() => logSoftmax(reshape(normal(`${name} scores`, N, 1), [B, N])));
  const view = (index: number): ViewEvidence => ({
    view: {
      audio: positions(`${index}/audio`, size.audioPatches, size.audioVisible),
      visual: positions(`${index}/visual`, size.visualPatches, size.visualVisible),
    },
    encoded: encoded(`view${index}`),
    reconstruction: {
      audio: normal(`${index}/predicted audio`, size.audioPatches, size.audioNumbers),
      visual: normal(`${index}/predicted visual`, size.visualPatches, size.visualNumbers),
    },
    prediction: {
      audio: normal(`${index}/predicted audio tokens`, size.audioPatches, embedDim),
      visual: normal(`${index}/predicted visual tokens`, size.visualPatches, embedDim),
    },
  });
  return {
    patches: {
      audio: normal("audio patches", size.audioPatches, size.audioNumbers),
      visual: normal("visual patches", size.visualPatches, size.visualNumbers),
    },
    views: Array.from({ length: views }, (_, index) => view(index)),
    sampling: {
      audio: logProbabilities("audio", size.audioPatches),
      visual: logProbabilities("visual", size.visualPatches),
    },
    teacher: Array.from({ length: views }, (_, index) => encoded(`teacher${index}`)),
    whole: encoded("whole", size.audioPatches, size.visualPatches),
    contrast: [
      {
        view: {
          audio: positions("contrast/audio", size.audioPatches, size.audioVisible + 1),
          visual: positions("contrast/visual", size.visualPatches, size.visualVisible + 1),
        },
        encoded: encoded("contrast", size.audioVisible + 1, size.visualVisible + 1),
      },
    ],
  };
}
