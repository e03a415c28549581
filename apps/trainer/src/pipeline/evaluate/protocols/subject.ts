import { KdcError } from "@kdc-mae/core";
import type { LeftOutBySplit } from "@kdc-mae/data/node";
import type { Execute } from "@kdc-mae/engine";
import type { HeadResult, VggSounderClip } from "@kdc-mae/eval";
import type { ResultTable } from "@kdc-mae/eval/report";
import type { ClipSet, SplitSets } from "../../corpus/clip-set.js";
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
  /** Clips of that split that could not be used, by reason. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** The same of all splits, for who tells of the whole set. */
  readonly leftOutBySplit?: LeftOutBySplit;
  /** Why not all of the evaluated clips were certainly unseen, in words. */
  readonly doubts?: readonly string[];
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

/** The evaluated clips. */
export const evaluatedSet = ({ sets, split }: Subject): ClipSet => sets[split];

/** Refuses a protocol that this kind of model cannot be evaluated under. */
export function refuseModel(protocol: string, what: string, remedy: string): never {
  throw new KdcError({ where: `protocol ${protocol}`, what, remedy, reason: "protocol" });
}
