import { z } from "zod";
import type { Based } from "../experiment/change.js";
import { dataSource } from "../experiment/data-schema.js";
import { model, optimizer, runName, schedule, training, visual } from "../experiment/schema.js";

const positive = z.number().positive();
const count = z.number().int().positive();

const evaluation = z.strictObject({
  /** Other data than is trained on, such as a list of its own; the same data unless given. */
  data: dataSource.optional(),
  /** Which split is evaluated after every epoch. What chooses the best epoch is no test set any more. */
  split: z.enum(["validation", "test"]).default("validation"),
  /** middle: the picture in the middle of each clip; all: every picture, probabilities averaged. */
  frames: z.enum(["middle", "all"]).default("middle"),
});

const averaging = z
  .strictObject({ from: count, to: count })
  .refine(({ from, to }) => from <= to, { message: "from must not be after to" });

/** One fine-tuning run, fully described. */
export const fineTuningSchema = z
  .strictObject({
    name: runName,
    seed: z.number().int().nonnegative().default(0),
    data: dataSource,
    evaluation: evaluation.prefault({}),
    /** A class list (AudioSet's `index,mid,display_name`, or one name per line); the labels of the training clips unless given. */
    classes: z.string().min(1).optional(),
    /** Sizes the checkpoint must have; the checkpoint's own unless given. */
    model: model.omit({ predictor: true }).optional(),
    mode: z.enum(["multimodal", "audio-only", "visual-only"]).default("multimodal"),
    /** full: encoder and head learn; linear-probe: the encoder is frozen. */
    tune: z.enum(["full", "linear-probe"]).default("full"),
    loss: z
      .strictObject({
        /** cross-entropy: one label per clip, scored by accuracy; binary-cross-entropy: any number, scored by mAP. */
        kind: z.enum(["cross-entropy", "binary-cross-entropy"]),
        labelSmoothing: z.number().min(0).lt(1).default(0.1),
      })
      .prefault({ kind: "cross-entropy" }),
    audio: z
      .strictObject({
        /** For normalising log-mel values; "checkpoint" takes those the model was pretrained with. */
        statistics: z
          .union([z.enum(["checkpoint", "measured"]), z.strictObject({ mean: z.number(), std: positive })])
          .default("checkpoint"),
        /** Noise and circular time shift. */
        noise: z.boolean().default(false),
        /** Widest band (mel bins) and stretch (frames) blanked before normalisation. */
        specAugment: z.strictObject({ frequency: count, time: count }).optional(),
      })
      .prefault({}),
    visual,
    /** With this probability a clip is mixed with another, in a share from Beta(alpha, alpha). */
    mixup: z.strictObject({ probability: z.number().min(0).max(1), alpha: z.number().min(1).default(10) }).optional(),
    /** balanced: clips of rare classes are drawn as often as those of common ones, with replacement. */
    sampling: z.enum(["uniform", "balanced"]).default("uniform"),
    /**
     * headRate: the head's learning rate as a multiple of the encoder's. layerDecay: each layer of the encoder learns
     * this many times what the layer after it does.
     */
    optimizer: optimizer.extend({ headRate: positive.default(1), layerDecay: z.number().gt(0).lt(1).optional() }),
    schedule: schedule.default({ kind: "constant" }),
    training,
    /** Epochs, counted from 1 and both included, whose weights are averaged at the end. */
    averaging: averaging.optional(),
  })
  .superRefine(({ averaging: epochs, training: { epochs: last } }, context) => {
    if (epochs === undefined || epochs.to <= last) return;
    const message = `it is ${epochs.to} and training.epochs is ${last}: give an earlier epoch, or averaging=null for no average`;
    context.addIssue({ code: "custom", path: ["averaging", "to"], message });
  });

/** A whole fine-tuning: everything with a default may be left out. */
export type FineTuningExperiment = z.input<typeof fineTuningSchema>;

/** What a fine-tuning file holds: a whole one, or a base and what is changed in it. */
export type FineTuningFile = FineTuningExperiment | Based<FineTuningExperiment>;

/** A fine-tuning run after checking, defaults filled in. */
export type CheckedFineTuning = z.output<typeof fineTuningSchema>;
