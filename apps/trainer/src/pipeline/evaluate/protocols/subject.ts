import { KdcError } from "@kdc-mae/core";
import type { Execute } from "@kdc-mae/engine";
import type { HeadResult, VggSounderClip } from "@kdc-mae/eval";
import type { ResultTable } from "@kdc-mae/eval/report";
import { fittedSplit } from "../../corpus/choose-clips.js";
import { clipFormFor, type Pairing } from "../../corpus/clip-form.js";
import type { ClipSet, SplitSets } from "../../corpus/clip-set.js";
import type { CheckedExperiment } from "../../experiment/schema.js";
import { pairingOf } from "../../run/pairing.js";
import type { Saved } from "../../run/read-saved.js";
import type { ClipGroups } from "../clip-groups.js";
import type { Cutting } from "../cutting.js";

/** What is evaluated, on what, and how. */
export type Subject = {
  readonly saved: Saved;
  readonly execute: Execute;
  readonly sets: SplitSets["sets"];
  /** Which of the sets is evaluated. */
  readonly split: "train" | "validation" | "test";
  readonly leftOut: Readonly<Record<string, number>>;
  readonly cutting: Cutting;
  /** Brings predictions of normalised pixels back with the true patches' statistics. */
  readonly denormalize: boolean;
  /** VGGSounder's labels by clip, for its protocol. */
  readonly vggsounder?: ReadonlyMap<string, VggSounderClip>;
  /** What probes tell apart; the labels of the training clips unless given. */
  readonly kinds?: readonly string[];
  /** What figures are grouped by, where they are. */
  readonly groups?: ClipGroups;
  readonly onProgress: (what: string) => void;
  readonly signal?: AbortSignal;
};

/**
 * What a protocol made, with tables of its own beside those of its head.
 *
 * `ids`: the clips it is of, in its order, where those are not all evaluated ones in theirs
 */
export type Carried = HeadResult & { readonly tables?: readonly ResultTable[]; readonly ids?: readonly string[] };

/** What a pretrained model and a classifier share. */
export const sharedOf = (saved: Saved) => ("model" in saved ? saved.model : saved.classifier);

/** The data a model's own experiment names for evaluating. */
type OwnData = Pick<CheckedExperiment, "data" | "seed"> & {
  readonly pairing: Pairing;
  /** What the model was trained on, and which split of it. */
  readonly trained: CheckedExperiment["data"];
  readonly fits: string;
  /** Data that were named for evaluating alone, so that clips in them need no split. */
  readonly evaluationOnly: boolean;
  /** The class list that names the labels. */
  readonly classes?: string;
};

/** See {@link OwnData}. */
export function ownData(saved: Saved): OwnData {
  if ("model" in saved) {
    const { experiment } = saved.model;
    const { data, seed } = experiment;
    const pairing = pairingOf(experiment);
    return { data, seed, trained: data, fits: fittedSplit(data), pairing, evaluationOnly: false };
  }
  const { data, evaluation, seed, visual, classes } = saved.classifier.experiment;
  const evaluationOnly = evaluation.data !== undefined;
  const shared = { seed, trained: data, fits: fittedSplit(data), pairing: visual, classes };
  return { data: evaluation.data ?? data, evaluationOnly, ...shared };
}

/** The form of clips a model asks for. */
export function formOf(saved: Saved) {
  const { config, statistics } = sharedOf(saved);
  return clipFormFor(config, ownData(saved).pairing, statistics.sampleRate);
}

/** The evaluated clips. */
export const evaluatedSet = ({ sets, split }: Subject): ClipSet => sets[split];

/** Refuses a protocol that this kind of model cannot be evaluated under. */
export function refuseModel(protocol: string, what: string, remedy: string): never {
  throw new KdcError({ where: `protocol ${protocol}`, what, remedy, reason: "protocol" });
}
