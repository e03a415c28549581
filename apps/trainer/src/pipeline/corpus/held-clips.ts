import { type BatchOptions, type Loader, openStoredClips, type StoredClip } from "@kdc-mae/data";
import type { ShardLoader } from "@kdc-mae/data/node";
import { type ClipForm, frontEndOf } from "./clip-form.js";
import { type DataDigest, type RunData, runDataOf } from "./data-digest.js";
import { measureStatistics, type Statistics } from "./statistics.js";

/** How batches of clips are made; everything random follows from the seed. */
export type BatchRecipe = Omit<BatchOptions, "frontEnd"> & { readonly statistics: Statistics };

/** Ready batches; what the clips are, so that a run that goes on knows them again; of shards, what was found in them. */
export type TrainingBatches = Loader &
  Partial<Pick<ShardLoader, "placing" | "passedOver">> & { readonly data: RunData };

/** Clips to train on, wherever they lie: what a clip becomes is the same. */
export type TrainingClips = {
  /** Mean and deviation over them, as the model's front end makes their spectrograms. */
  measure(): Promise<Statistics>;
  /** @throws KdcError for fewer clips than a batch takes */
  open(recipe: BatchRecipe): Promise<TrainingBatches>;
};

/** What a loader is asked for. */
export const batchOptions = (form: ClipForm, { statistics, ...rest }: BatchRecipe): BatchOptions => ({
  ...rest,
  frontEnd: frontEndOf(form, statistics),
});

/**
 * Clips held in memory.
 *
 * @param options `named` of every clip that the data name, those given by default; `openPool`, threads that make their
 * batches, this one unless given
 */
export const heldClips = (
  clips: readonly StoredClip[],
  form: ClipForm,
  { named, openPool }: { readonly named?: DataDigest; readonly openPool?: Parameters<typeof openStoredClips>[2] } = {},
): TrainingClips => ({
  measure: async () => measureStatistics(clips),
  open: async (recipe) => ({
    ...openStoredClips(clips, batchOptions(form, recipe), openPool),
    data: runDataOf(
      clips.map(({ item }) => item),
      named,
    ),
  }),
});
