import { isKdcError } from "@kdc-mae/core";
import { dealFrom, decoderNames } from "@kdc-mae/data";
import { z } from "zod";

export const positive = z.number().positive();
export const count = z.number().int().positive();

/** Says what is wrong with a written deal. */
function isDeal(text: string, context: z.RefinementCtx): void {
  try {
    dealFrom(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: isKdcError(error) ? `${error.what}. ${error.remedy}` : String(error) });
  }
}

/** What decodes media; all by one contract. */
const decoder = z.enum(decoderNames).optional();

/** Threads that make batches; 1 unless given. */
const workers = count.optional();

/** Lowest and highest value of a draw. */
const range = z.tuple([z.number(), z.number()]).refine(([low, high]) => low <= high, "the lowest comes first");

/** What made clips are like, where they are not the demo's. */
const scene = z
  .strictObject({
    /** Things seen and heard one after another, an odd number; a clip is of the middle one, its middle picture shows it. */
    acts: count
      .refine((acts) => acts % 2 === 1 && acts <= 9, "must be odd and at most 9: a clip has a middle")
      .optional(),
    /** Share of clips with a silent object. */
    distractorShare: z.number().min(0).max(1).optional(),
    /** Smallest and largest side of the silent object, shares of the picture's. */
    distractorSize: range.optional(),
    /** Noise added to the sound, dB below it: quietest and loudest. */
    noise: range.optional(),
    /** How long the middle one of several acts lasts, shares of the clip: shortest and longest. A sixth to a half unless given. */
    middle: range.refine(([low, high]) => low >= 0.2 && high <= 0.9, "shares from 0.2 to 0.9").optional(),
  })
  .refine(({ acts = 1, middle }) => acts > 1 || middle === undefined, {
    path: ["middle"],
    message: "only clips of several acts read it: set acts, or leave it out",
  });

const syntheticData = z.strictObject({
  kind: z.literal("synthetic"),
  train: count,
  validation: count,
  test: count,
  scene: scene.optional(),
  decoder,
  workers,
});
/** What may be said of named data of either kind. */
const named = {
  /** The split that is trained on; train unless given. */
  split: z.string().min(1).optional(),
  /** Deals clips that name no split: shares of train, validation and test, such as 0.8,0.1,0.1, with a seed 0.8,0.1,0.1@7. */
  splitBy: z.string().superRefine(isDeal).optional(),
  /** A list of labels, one a line or a class list: only clips with one of them are taken, such as Kinetics-Sounds. */
  labels: z.string().min(1).optional(),
};

const manifestData = z.strictObject({
  kind: z.literal("manifest"),
  /** A CSV, JSONL or JSON manifest, or a folder of media. */
  path: z.string().min(1),
  mediaRoot: z.string().optional(),
  /** Paths and links may lead out of the media root. */
  allowOutside: z.boolean().optional(),
  /** Long recordings are cut into clips of so many seconds. */
  windows: positive.optional(),
  decoder,
  workers,
  ...named,
});

const shardData = z.strictObject({
  kind: z.literal("shards"),
  /** Folder or http(s) address of a set that prepare made. */
  path: z.string().min(1),
  ...named,
  workers: count.default(1),
});

/** Where clips come from. */
export const dataSource = z.discriminatedUnion("kind", [syntheticData, manifestData, shardData]);
