import { type FloatTensor, float32, type HostPatches, KdcError } from "@kdc-mae/core";
import { makeSample, type Recording, type SampleRecipe, sampleStream } from "../make-sample.js";
import { assembleBatch } from "../prepare-clip.js";
import type { StoredClip } from "../stored-clip.js";
import { normalizeFrame } from "../visual/normalize.js";

type Told = {
  /** What it is called in errors. */
  readonly where: string;
  readonly labels: readonly string[];
};

/** A clip in memory, as it is sent to whoever makes samples. */
type StoredPiece = Told & { readonly clip: Pick<StoredClip, "spectrogram" | "frames" | "times" | "waveform"> };

/** A clip's bytes in a shard; labels are the index's. */
export type PackedPiece = Told & { readonly bytes: Uint8Array };

export type SamplePiece = StoredPiece | PackedPiece;

/** One sample to be made: of which clip, its stream's name, and its partner where it is mixed. */
export type SampleJob = {
  readonly stream: string;
  readonly of: SamplePiece;
  readonly partner?: SamplePiece;
  /** Which picture, in place of the recipe's. */
  readonly picture?: SampleRecipe["picture"];
};

/** The samples of some jobs as a batch. */
export type MadeBatch = {
  /** audio `[B, N, P]`, visual `[B, N, P]`. */
  readonly patches: HostPatches;
  /** Which picture of each clip. */
  readonly pictures: readonly number[];
  /** Soft labels `[B, C]`, where the recipe has classes. */
  readonly targets?: FloatTensor;
};

/** Makes batches, somewhere. */
export type BatchPool = { make(jobs: readonly SampleJob[]): Promise<MadeBatch>; close(): Promise<void> };

/** Opens a pool of so many threads. */
export type OpenPool = (recipe: SampleRecipe, workers: number) => BatchPool;

/** Unpacks a clip's bytes. */
export type Unpack = (piece: PackedPiece, recipe: SampleRecipe) => Recording;

/** A clip in memory, to be sent. */
export const pieceOf = ({ item, spectrogram, frames, times, waveform }: StoredClip): SamplePiece => ({
  ...{ where: `clip ${item.id}`, labels: item.labels },
  clip: { spectrogram, frames, times, waveform },
});

/** Makes the samples of some jobs: the same numbers wherever and whenever it is done. */
export async function makeBatch(jobs: readonly SampleJob[], recipe: SampleRecipe, unpack?: Unpack): Promise<MadeBatch> {
  const made = await Promise.all(
    jobs.map(({ of, partner, stream, picture }) => {
      const own = picture === undefined ? recipe : { ...recipe, picture };
      const recording = (piece: SamplePiece) => recordingOf(piece, recipe, unpack);
      return makeSample(recording(of), own, sampleStream(stream), partner && recording(partner));
    }),
  );
  return {
    patches: assembleBatch(made),
    pictures: made.map(({ picture }) => picture),
    ...(recipe.classes ? { targets: stackTargets(made.map(({ target }) => target!)) } : {}),
  };
}

/** Makes batches on this thread, when they are asked for. */
export const onThisThread = (recipe: SampleRecipe, unpack?: Unpack): BatchPool => ({
  make: (jobs) => makeBatch(jobs, recipe, unpack),
  close: async () => undefined,
});

/** A piece as a recording, which says what of it is worked out when it is needed. */
function recordingOf(piece: SamplePiece, recipe: SampleRecipe, unpack?: Unpack): Recording {
  if (!("bytes" in piece)) return storedRecording(piece, recipe);
  if (unpack !== undefined) return unpack(piece, recipe);
  throw new Error("bytes of a shard, and nothing to unpack them with");
}

function storedRecording({ clip, where, labels }: StoredPiece, { frontEnd: { visual } }: SampleRecipe): Recording {
  const { spectrogram, frames, times, waveform } = clip;
  return {
    ...{ where, labels, pictures: frames.length },
    spectrogram: () => spectrogram,
    waveform: () => {
      if (waveform !== undefined) return waveform;
      throw new KdcError({
        where,
        what: "it is to be mixed with another, and its sound was not kept",
        remedy: "Store clips with keepSound where samples are mixed",
        reason: "option",
      });
    },
    time: (index) => times[index],
    picture: (index) =>
      normalizeFrame({ width: visual.size, height: visual.size, data: frames[index], time: times[index] }),
  };
}

function stackTargets(targets: readonly Float32Array[]): FloatTensor {
  const out = float32([targets.length, targets[0].length]);
  for (const [row, target] of targets.entries()) out.data.set(target, row * target.length);
  return out;
}
