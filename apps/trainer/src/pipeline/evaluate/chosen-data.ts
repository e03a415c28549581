import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { type ClassLabels, type NamedFor, readClassLabels, type Split } from "@kdc-mae/data/node";
import { fittedSplit, type ListChoice } from "../corpus/choose-clips.js";
import type { Pairing } from "../corpus/clip-form.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { pairingOf } from "../run/pairing.js";
import type { Saved } from "../run/read-saved.js";

/** Which clips a model is evaluated on, and how they are read; those of its own experiment unless given. */
export type DataChoice = ListChoice & {
  /** A manifest, a folder, prepared shards, or the address of such. */
  readonly data?: string;
};

const isRemote = (path: string) => /^(https?|s3):\/\//.test(path);

/**
 * A folder that prepare made, a tar or an address is shards; anything else is a manifest.
 *
 * @throws KdcError for what is said of shards and is only for manifests
 */
export function dataAt(path: string, choice: DataChoice = {}): CheckedExperiment["data"] {
  const { mediaRoot, allowOutside, labels, splitBy, windows } = choice;
  const shared = { path, ...(labels === undefined ? {} : { labels }), ...(splitBy === undefined ? {} : { splitBy }) };
  if (!(isRemote(path) || path.endsWith(".tar") || existsSync(join(path, "dataset.json")))) {
    return {
      ...{ kind: "manifest", ...shared, mediaRoot },
      ...(allowOutside === undefined ? {} : { allowOutside }),
      ...(windows === undefined ? {} : { windows }),
    };
  }
  const unread = Object.entries({ "--media-root": mediaRoot, "--allow-outside": allowOutside, "--windows": windows });
  for (const [option, value] of unread) {
    if (value !== undefined)
      throw unreadOption(option, `${path} is prepared shards, which have no media`, "Leave it out");
  }
  return { kind: "shards", ...shared, workers: 1 };
}

const unreadOption = (where: string, what: string, remedy: string): KdcError =>
  new KdcError({ where, what, remedy, reason: "usage" });

/** @throws KdcError for options that say something of `data`, without it */
export function expectDataFor({ data, mediaRoot, allowOutside, classes, labels, splitBy, windows }: DataChoice): void {
  if (data !== undefined) return;
  const given = Object.entries({
    ...{ "--media-root": mediaRoot, "--allow-outside": allowOutside, "--classes": classes },
    ...{ "--labels": labels, "--split-by": splitBy, "--windows": windows },
  }).find(([, value]) => value !== undefined);
  if (given === undefined) return;
  throw unreadOption(
    given[0],
    "it says how --data is read, and no --data is given",
    "Add --data, or leave it out: the data of the model's own experiment are read as the experiment says",
  );
}

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

/** What a model is evaluated on, and what those data were named for. */
export type EvaluatedData = {
  readonly data: CheckedExperiment["data"];
  readonly namedFor: NamedFor;
  /** The split of these data that the model was trained on, where it was. */
  readonly fits?: string;
};

/**
 * The data of a choice. The model's own data, given again by their path, are read as its experiment says: what it was
 * trained on is not scored.
 *
 * @throws KdcError where they would be read another way
 */
export function evaluatedData(choice: DataChoice, own: OwnData): EvaluatedData {
  const given = choice.data === undefined ? own.data : dataAt(choice.data, choice);
  const { trained } = own;
  if (given.kind === "synthetic" || trained.kind === "synthetic") {
    const isOwn = choice.data === undefined && !own.evaluationOnly;
    return { data: given, namedFor: isOwn ? "fitting" : "scoring", ...(isOwn ? { fits: own.fits } : {}) };
  }
  if (resolve(given.path) !== resolve(trained.path)) return { data: given, namedFor: "scoring" };
  const differing = (["splitBy", "labels"] as const).filter(
    (key) => given[key] !== undefined && given[key] !== trained[key],
  );
  if (differing.length > 0) {
    throw new KdcError({
      where: `data ${given.path}`,
      what: `the model was trained on it, read with another ${differing.join(" and ")}, so that clips it was trained on would be scored`,
      remedy: "Leave --data out, or give clips it was not trained on; splits are dealt before training (data.splitBy)",
      reason: "leak",
    });
  }
  return { data: choice.data === undefined ? given : { ...trained, ...given }, namedFor: "fitting", fits: own.fits };
}

/**
 * The split that is evaluated: `asked`, or test.
 *
 * @throws KdcError where nobody asked for it and the model was trained on it
 */
export function evaluatedSplit(asked: Split | undefined, fits: string | undefined): Split {
  if (asked !== undefined || fits !== "test") return asked ?? "test";
  throw new KdcError({
    where: "evaluate",
    what: "the model was trained on the test clips of these data",
    remedy: "Ask for another split (--split), or give other data (--data)",
    reason: "leak",
  });
}

/** @throws KdcError where nobody says the data: an official checkpoint has none of its own */
export function expectData({ assumed }: { readonly assumed?: readonly unknown[] }, { data }: DataChoice): void {
  if (data !== undefined || assumed === undefined) return;
  throw new KdcError({
    where: "--data",
    what: "an official checkpoint does not say which clips it is to be evaluated on",
    remedy: "Give a manifest, a folder or prepared shards with --data",
    reason: "usage",
  });
}

/** The class list of the data; the model's own where it was told one and it is still there. */
export async function classesFor(asked: string | undefined, own: string | undefined): Promise<ClassLabels | undefined> {
  if (asked !== undefined) return readClassLabels(asked);
  return own !== undefined && existsSync(own) ? readClassLabels(own) : undefined;
}
