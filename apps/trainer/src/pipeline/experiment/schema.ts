import { z } from "zod";
import type { Based } from "./change.js";
import { count, dataSource, positive } from "./data-schema.js";
import { lossTerm, optionsProblem, unmetNeeds } from "./loss-term.js";

/** Names of runs, which are also names of folders. */
export const runName = z.string().regex(/^[a-z0-9][a-z0-9.-]*$/i, "letters, digits, dots and dashes only");

const fraction = z.number().gt(0).lt(1);

const grid = z.strictObject({ rows: count, columns: count, patch: count, channels: count });

const keptOfBlocks = z.array(z.strictObject({ heads: z.array(z.number().int().nonnegative()).min(1), units: count }));

export const model = z.strictObject({
  preset: z.enum(["tiny", "small", "base"]),
  embedDim: count.optional(),
  heads: count.optional(),
  modalityDepth: z.number().int().nonnegative().optional(),
  jointDepth: count.optional(),
  decoderDim: count.optional(),
  decoderHeads: count.optional(),
  decoderDepth: count.optional(),
  audio: grid.optional(),
  visual: grid.optional(),
  positions: z.enum(["fixed", "learned"]).optional(),
  visualLocality: z.array(z.number().nonnegative()).optional(),
  /** A token per modality that stands for the whole clip, for contrast to look at (CAV-MAE Sync). */
  globalToken: z.boolean().optional(),
  /** Tokens per modality that carry no patch and are dropped before the joint blocks. */
  registers: z.number().int().nonnegative().optional(),
  /** Blocks per modality after its own pass of the joint blocks. */
  contrastHeads: z.number().int().nonnegative().optional(),
  /**
   * A narrow transformer that predicts a teacher's tokens where nothing was seen, for the term "latent-prediction";
   * sizes of the decoder unless given.
   */
  predictor: z.strictObject({ dim: count.optional(), heads: count.optional(), depth: count.optional() }).optional(),
  /** What is left of every block, of a model that heads and units were taken out of: what `prune` fills in. */
  pruned: z.strictObject({ audio: keptOfBlocks, visual: keptOfBlocks, joint: keptOfBlocks }).optional(),
});

export const visual = z
  .strictObject({
    /** Pictures that are taken of a clip when it is decoded, 10 unless given; shards hold those that prepare took. */
    framesPerClip: count.optional(),
    /**
     * Seconds of sound that go with a picture: those around it, moved inwards at the ends of the clip (CAV-MAE Sync:
     * 4.16 of 10.24). The model then hears so much; unless given, each picture goes with the whole clip.
     */
    window: positive.optional(),
    /** With window: seconds of a clip that pictures and sound are taken from; what the model's own sizes say unless given. */
    seconds: positive.optional(),
  })
  .superRefine(({ window, seconds }, context) => {
    if (seconds === undefined) return;
    const message =
      window === undefined
        ? "only clips with a window read it: leave it out, or set visual.window"
        : seconds < window
          ? `it is less than visual.window, ${window}`
          : undefined;
    if (message !== undefined) context.addIssue({ code: "custom", path: ["seconds"], message });
  })
  .default({});

/** A view of the contrast alone: encoded, never rebuilt. */
const contrastMasking = z.strictObject({
  /** Share of patches hidden in it; TG-DP hides half. */
  audioRatio: fraction,
  visualRatio: fraction,
  /**
   * What is seen: drawn by "chance" (unless given), or by the "teacher": the patches that attend most to its global
   * token, of the whole clip (TG-DP, Wang et al. 2026).
   */
  by: z.enum(["chance", "teacher"]).default("chance"),
});

const masking = z
  .strictObject({
    /**
     * complementary: disjoint views dealt from one deck; independent: each view drawn alone; adaptive: disjoint views
     * drawn by a network that learns where it is hard to fill in (with the term "patch-sampling").
     */
    kind: z.enum(["complementary", "independent", "adaptive"]),
    views: z.number().int().min(1).max(8),
    /** Share of patches hidden in each view. */
    audioRatio: fraction,
    visualRatio: fraction,
    /** Which whole stripes of the spectrogram are hidden together; "none" hides single patches. */
    audioStructure: z.enum(["none", "time", "frequency", "time-frequency"]).default("none"),
    /** With adaptive: divides the network's scores, 1 unless given; larger draws more evenly. */
    temperature: positive.optional(),
    /** Views of its own for the contrast, in place of those that are rebuilt: for terms with `path: "own"`. */
    contrast: contrastMasking.optional(),
  })
  .superRefine(({ kind, audioStructure, temperature }, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (kind === "adaptive" && audioStructure !== "none") {
      refuse("audioStructure", "adaptive masking draws single patches: leave it out");
    }
    if (kind !== "adaptive" && temperature !== undefined) {
      refuse("temperature", "only adaptive masking uses it: leave it out, or set masking.kind to adaptive");
    }
  });

/** One line of an objective. */
export const termEntry = z
  .strictObject({
    /** A built-in term by name, or, in a module, a `LossTerm` of anybody's. */
    term: lossTerm,
    /** Name in the report, where one term is used twice. */
    name: z.string().min(1).optional(),
    weight: z.number().nonnegative().optional(),
    /** The term's own; `streams`, `divergence`, `temperature` … see the README of @kdc-mae/losses. */
    options: z.record(z.string(), z.unknown()).optional(),
  })
  .superRefine((entry, context) => {
    const message = optionsProblem(entry);
    if (message !== undefined) context.addIssue({ code: "custom", path: ["options"], message });
  });

/** Epochs in which the rate rises in a straight line from nothing; none unless given. */
const warmup = z.number().nonnegative().optional();

export const schedule = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("constant"), warmup }),
  z.strictObject({ kind: z.literal("multi-step"), from: count, every: count, factor: positive, warmup }),
  z.strictObject({ kind: z.literal("cosine"), warmup }),
]);

export const optimizer = z.strictObject({
  kind: z.enum(["adam", "adamw"]).default("adam"),
  learningRate: positive,
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.95, 0.999]),
  epsilon: positive.default(1e-8),
  weightDecay: z.number().nonnegative().default(5e-7),
  /** Largest global norm of the gradients; left out: no clipping. */
  clipNorm: positive.optional(),
});

const keep = z.strictObject({ last: count.optional(), every: count.optional() });

export const training = z.strictObject({
  batch: count,
  epochs: count,
  /** Gradients of this many batches are averaged before each update. */
  accumulate: count.default(1),
  /** Clips computed at a time, which divides `batch`: for less memory, and for more ranks. As few pieces as ranks need unless given. */
  microBatch: count.optional(),
  /**
   * The same bits of losses and weights for any number of ranks: pieces of one size (a quarter of an update unless
   * `microBatch` says otherwise), and gradients added up exactly.
   */
  reproducible: z.boolean().optional(),
  /** Seconds between resumable checkpoints. */
  checkpointSeconds: positive.default(300),
  /** Models kept in `checkpoints/`: those of the last few epochs, and of every so many. None unless given. */
  keep: keep.optional(),
  /**
   * What a loss that is not finite does, and one of `jump` times its usual size (any size unless given): the run goes
   * back to its last checkpoint and skips the batches it came from, at most this many times; 3 unless given.
   */
  rollback: z
    .strictObject({ times: z.number().int().nonnegative().default(3), jump: z.number().gt(1).optional() })
    .optional(),
});

/**
 * Looks, while the run trains, at clips that it is not trained on: figures and pictures in `events.jsonl`. Changes no
 * figure of the run.
 */
const probes = z.strictObject({
  /** Steps between two looks; a hundred of them in the run unless given. They take at most 3 % of the time. */
  every: count.optional(),
  /** So many clips, spread over the list (of shards the first). */
  clips: z.number().int().min(8).default(128),
  /** The split they are taken from; never the test clips, never those that are trained on. */
  split: z.string().min(1).default("validation"),
  /** So many of them are also pictured: reconstructions, and where the sound is seen. */
  pictures: z.number().int().nonnegative().default(4),
});

/** One run, fully described. Everything that changes a figure is in here. */
export const describedExperiment = z.strictObject({
  name: runName,
  seed: z.number().int().nonnegative().default(0),
  data: dataSource,
  model,
  audio: z
    .strictObject({
      /** Mean and standard deviation of the log-mel values, for normalising; "measured" takes the training set's. */
      statistics: z.union([z.literal("measured"), z.strictObject({ mean: z.number(), std: positive })]),
      /** Noise and circular time shift while pretraining. */
      noise: z.boolean(),
    })
    .default({ statistics: { mean: -5.081, std: 4.4849 }, noise: true }),
  visual,
  masking,
  objective: z.array(termEntry).min(1),
  weighting: z.enum(["fixed", "uncertainty", "learned"]).default("fixed"),
  /** A moving-average copy of the encoder, for `target: "teacher"`; left out where a term needs one: momentum 0.996. */
  teacher: z.strictObject({ momentum: fraction }).optional(),
  /** A trained model whose embeddings of whole clips are the teacher, and a sum of its weights: what `distill` fills in. */
  fixedTeacher: z.strictObject({ model: z.string().min(1), sum: z.string().min(1) }).optional(),
  optimizer,
  schedule: schedule.default({ kind: "constant" }),
  training: training.extend({
    /**
     * What terms that compare clips see where batches are accumulated: "per-batch" (unless said otherwise), the clips
     * of their own batch; "cached", all accumulated clips, exactly as in one large batch, for one forward run more.
     */
    accumulateContrast: z.enum(["per-batch", "cached"]).optional(),
    /** "blocks" keeps the inputs of every block alone and makes the rest again for its gradient: less memory, more time. */
    gradientCheckpointing: z.enum(["blocks"]).optional(),
    /** `best`: also the model of the epoch with the smallest mean loss, as `best.safetensors`. */
    keep: keep.extend({ best: z.boolean().optional() }).optional(),
    probes: probes.optional(),
  }),
  /** "official" repeats what the released code does otherwise: later views misplaced, joint blocks not chained. */
  compat: z.enum(["official"]).optional(),
});

/** What parts of an experiment have not of one another, by key: its terms are given what they look at, and nothing else. */
export function unmetIn(experiment: z.output<typeof describedExperiment>): readonly [path: string[], what: string][] {
  const both = experiment.teacher !== undefined && experiment.fixedTeacher !== undefined;
  const one: [string[], string] = [["teacher"], "a run has one teacher: leave it out, or leave fixedTeacher out"];
  return [...(both ? [one] : []), ...unmetNeeds(experiment)];
}

/** As described, and no term lacks what it looks at. */
export const experimentSchema = describedExperiment.superRefine((experiment, context) => {
  for (const [path, message] of unmetIn(experiment)) context.addIssue({ code: "custom", path, message });
});

/** A whole experiment: everything with a default may be left out. */
export type Experiment = z.input<typeof experimentSchema>;

/** What an experiment file holds: a whole experiment, or a base and what is changed in it. */
export type ExperimentFile = Experiment | Based<Experiment>;

/** An experiment after checking, defaults filled in. */
export type CheckedExperiment = z.output<typeof experimentSchema>;
