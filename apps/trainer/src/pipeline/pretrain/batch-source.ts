import type { ClipGrids } from "@kdc-mae/core";
import { createRng, type HostPatches, type HostView, type Rng } from "@kdc-mae/core";
import { batchViews, type Masker } from "@kdc-mae/masking";
import { cutBatch, type SpectrogramChange, type Statistics } from "../corpus/batch.js";
import { type DataDigest, type RunData, runDataOf } from "../corpus/data-digest.js";
import { stepsPerEpoch } from "../corpus/steps-per-epoch.js";
import type { StoredClip } from "../corpus/stored-clip.js";

/** One step's input, without the teacher. */
export type MaskedBatch = {
  readonly patches: HostPatches;
  readonly views: readonly HostView[];
  /** In place of views that are still to be drawn: one random stream per clip. */
  readonly streams?: readonly Rng[];
};

/** The views of a batch's clips, or what they will be drawn with. */
export const maskBatch = (
  masker: Masker | undefined,
  grids: ClipGrids,
  streams: readonly Rng[],
): Pick<MaskedBatch, "views" | "streams"> =>
  masker === undefined ? { views: [], streams } : { views: batchViews(streams.map((stream) => masker(grids, stream))) };

/** Batches of an epoch from a given one on; every epoch has the same number. */
export type BatchSource = {
  readonly stepsPerEpoch: number;
  /** What the clips are, so that a run that goes on knows them again. */
  readonly data?: RunData;
  batches(epoch: number, from: number): AsyncIterable<MaskedBatch>;
};

/** Changes one clip's normalised spectrogram with that clip's own random stream. */
export type SeededChange = (...input: [...Parameters<SpectrogramChange>, Rng]) => ReturnType<SpectrogramChange>;

/**
 * Batches of clips held in memory. Every epoch shows each clip once (the last, partial batch is dropped), with a random
 * picture. What happens to a clip depends on seed, epoch and clip alone, so any batch can be made again.
 */
export function memorySource(options: {
  readonly clips: readonly StoredClip[];
  readonly grids: ClipGrids;
  readonly statistics: Statistics;
  /** None where views are drawn by a network, later. */
  readonly masker: Masker | undefined;
  readonly batch: number;
  readonly seed: number;
  /** Of every clip that the data name; those given unless told. */
  readonly named?: DataDigest;
  readonly change?: SeededChange;
}): BatchSource {
  const { clips, grids, statistics, masker, batch, seed, change } = options;
  const steps = stepsPerEpoch(clips.length, batch);
  const root = createRng(seed);
  return {
    stepsPerEpoch: steps,
    data: runDataOf(
      clips.map(({ item }) => item),
      options.named,
    ),
    async *batches(epoch, from) {
      const order = root.fork("order").fork(epoch).permutation(clips.length);
      for (let step = from; step < steps; step++) {
        const chosen = [...order.subarray(step * batch, (step + 1) * batch)];
        const streams = chosen.map((index) => root.fork("clip").fork(epoch).fork(clips[index].item.id));
        const picks = chosen.map((index, at) => {
          const clip = clips[index];
          return { clip, frame: streams[at].fork("frame").integer(clip.frames.length) };
        });
        const changed: SpectrogramChange | undefined =
          change && ((spectrogram, at) => change(spectrogram, at, streams[at].fork("augment")));
        yield {
          patches: cutBatch(picks, grids, statistics, changed),
          ...maskBatch(
            masker,
            grids,
            streams.map((stream) => stream.fork("mask")),
          ),
        };
      }
    },
  };
}
