import { basename } from "node:path";
import { type HostTensor, KdcError } from "@kdc-mae/core";
import { loadClassifier, loadModel, type ModelConfig, withoutPrefix } from "@kdc-mae/model";
import type { Pairing } from "../corpus/clip-form.js";
import type { Statistics } from "../corpus/statistics.js";
import { withChanges } from "../experiment/change.js";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import { checkFineTuning } from "../finetune/check.js";
import { namedFineTunings } from "../finetune/named.js";
import type { Assume, Assumption } from "./assume.js";
import type { SavedClassifier } from "./classifier-file.js";
import { inCheckpoint } from "./in-checkpoint.js";
import type { SavedModel } from "./model-file.js";
import { officialShape } from "./official-shape.js";
import { withPictures } from "./with-pictures.js";

type Tensors = Readonly<Record<string, HostTensor>>;

/** A model out of an official checkpoint, and what of the file it has no use for. */
export type OfficialFile = ({ readonly model: SavedModel } | { readonly classifier: SavedClassifier }) & {
  readonly unused: Tensors;
};

/** The data of a model that does not say any. */
export const UNSAID_DATA = "(an official checkpoint does not say its data)";

/** Names that only KDC-MAE's released class makes. */
const isKdcMae = (stored: ReadonlyMap<string, HostTensor>): boolean =>
  ["mask_token_audio", "get_token_probs.1.weight", "log_noise_latent"].some((name) => stored.has(name));

/**
 * Takes a checkpoint of the official CAV-MAE or KDC-MAE code as a model. Sizes are read from its tensors; what they do
 * not say is the method's unless `assume` says otherwise, and stands in the model's `assumed`.
 *
 * @throws KdcError saying why the file is no such model
 */
export function officialIn(path: string, tensors: Tensors, assume: Assume = {}): OfficialFile {
  const stored = withoutPrefix(tensors);
  const { classes, ...shape } = officialShape(path, tensors, assume);
  const origin = isKdcMae(stored) ? "kdc-mae" : "cav-mae";
  const shared = { path, tensors, ...shape, origin, assume } as const;
  return classes === undefined ? pretrained(shared) : tuned(shared, classes);
}

type Shared = {
  readonly path: string;
  readonly tensors: Tensors;
  readonly config: ModelConfig;
  readonly statistics: Statistics;
  readonly pairing: Pairing;
  readonly assumed: readonly Assumption[];
  readonly origin: "cav-mae" | "kdc-mae";
  readonly assume: Assume;
};

/** The sizes of a model as an experiment says them. */
const sizesOf = ({ layerNormEpsilon: _, ...sizes }: ModelConfig) => ({ preset: "base", ...sizes });

function pretrained({ path, tensors, config, statistics, pairing, origin, assume, ...shared }: Shared): OfficialFile {
  const { normPix = true } = assume;
  const name = config.globalToken ? "cav-mae-sync" : origin;
  const { mean, std } = statistics;
  const loaded = inCheckpoint(path, () => loadModel(config, tensors));
  const base = named[`${origin}-base`];
  const options = { normPixels: normPix };
  const experiment = checkExperiment(
    withChanges(base, {
      name: `official-${name}`,
      data: { path: UNSAID_DATA },
      model: sizesOf(config),
      audio: { statistics: { mean, std }, noise: true },
      visual: pairing,
      objective: base.objective.map((entry) => {
        if (String(entry.term).startsWith("reconstruction-")) return { ...entry, options };
        return entry.term === "contrastive" && config.globalToken
          ? { ...entry, options: { ...entry.options, tokens: "global" } }
          : entry;
      }),
    }),
    path,
  );
  const assumed: Assumption[] = [
    ...shared.assumed,
    {
      what: `${config.decoderHeads} heads in the decoder (of ${config.decoderDim / config.decoderHeads} channels)`,
      change: "decoder-heads=N",
    },
    {
      what: normPix
        ? "patches are predicted less their own mean, over their own deviation (norm_pix_loss)"
        : "patches are predicted as they are (no norm_pix_loss)",
      change: `norm-pix=${!normPix}`,
    },
  ];
  const params = withPictures(loaded.params, config, assume, !normPix);
  return { model: { config, params, statistics, experiment, assumed }, unused: loaded.unused };
}

/** VGGSound's 309 classes are told apart, AudioSet's 527 are each present or not. */
const knownHeads: Readonly<Record<number, { readonly name: string; readonly base: string }>> = {
  309: { name: "VGGSound's", base: "vggsound" },
  527: { name: "AudioSet's", base: "audioset-20k" },
};

function tuned(
  { path, tensors, config, statistics, pairing, origin, assume, ...shared }: Shared,
  count: number,
): OfficialFile {
  const { mean, std } = statistics;
  const known = knownHeads[count] ?? { name: "unknown", base: "vggsound" };
  const base = namedFineTunings[known.base];
  const kind = assume.loss ?? base.loss?.kind ?? "cross-entropy";
  const { mode = "multimodal", classes = Array.from({ length: count }, (_, index) => `class ${index}`) } = assume;
  if (classes.length !== count) {
    throw new KdcError({
      where: "--assume classes",
      what: `it names ${classes.length} classes, and the head of ${path} has ${count}`,
      remedy: "Give the class list it was fine-tuned with",
      reason: "classes",
    });
  }
  const loaded = inCheckpoint(path, () => loadClassifier(config, tensors));
  const experiment = checkFineTuning(
    withChanges(base, {
      name: `official-${origin}-tuned`,
      data: { path: UNSAID_DATA },
      model: sizesOf(config),
      audio: { statistics: { mean, std } },
      visual: pairing,
      loss: { kind },
      mode,
    }),
    path,
  );
  const assumed: Assumption[] = [
    ...shared.assumed,
    {
      what:
        kind === "cross-entropy"
          ? `one class per clip (softmax; ${count} classes, ${known.name})`
          : `any number of classes per clip (sigmoid; ${count} classes, ${known.name})`,
      change: `loss=${kind === "cross-entropy" ? "binary-cross-entropy" : "cross-entropy"}`,
    },
    { what: `fine-tuned with mode ${mode}`, change: "mode=multimodal|audio-only|visual-only" },
    ...(assume.classes === undefined
      ? [{ what: `classes are called "class 0" to "class ${count - 1}"`, change: "classes=FILE" }]
      : []),
  ];
  const params = withPictures(loaded.params, config, assume, false);
  const weights = `as they stand in ${basename(path)}`;
  return {
    classifier: { config, params, statistics, classes, experiment, weights, assumed },
    unused: loaded.unused,
  };
}
