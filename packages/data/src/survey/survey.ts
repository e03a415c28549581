import { isKdcError } from "@kdc-mae/core";
import { beginFile } from "@kdc-mae/core/node";
import { orderedMap } from "../dataset/ordered-map.js";
import { expectCount } from "../expect-count.js";
import type { ClassLabels } from "../manifest/class-labels.js";
import { expectItemAdmitted } from "../manifest/confine.js";
import type { ManifestItem } from "../manifest/manifest-item.js";
import { countPassedOver, type PassedOver } from "../manifest/passed-over.js";
import { type Manifest, manifestLine } from "../manifest/read-manifest.js";
import { decodeItem } from "../media/decode-item.js";
import type { Decoder, SoundDecoder } from "../media/decoder.js";
import { itemReasons, mediaError } from "../media/media-error.js";
import { addBeyond, type Beyond, nothingBeyond, secondsBeyond } from "../media/seconds-beyond.js";
import { contentHash, inspectClip, type Thresholds, usualThresholds } from "./inspect-clip.js";

/** The rows of a survey's table. */
export const surveyReasons = [
  "missing",
  "undecodable",
  "no-audio",
  "no-video",
  "silent",
  "black",
  "frozen",
  "too-short",
  "duplicate",
  "label-unknown",
  "refused",
] as const;
/** Why an item cannot be used. */
export type SurveyReason = (typeof surveyReasons)[number];

/** One item that cannot be used; `detail` is the finer reason. */
export type Problem = {
  readonly item: ManifestItem;
  readonly reason: SurveyReason;
  readonly detail: string;
  readonly message: string;
};

/** What {@link survey} looks at. */
export type SurveyOptions = {
  readonly manifest: Manifest;
  readonly decoder: Decoder & SoundDecoder;
  /** Items in work at once; about the number of processor cores. */
  readonly workers: number;
  /** Labels that are known; without it any label will do. */
  readonly classes?: ClassLabels;
  /** An item without labels counts as `label-unknown`. */
  readonly requireLabels?: boolean;
  readonly thresholds?: Partial<Thresholds>;
  /** Where to write the items that can be used, as JSONL. */
  readonly cleaned?: string;
  /** Called for each item that cannot be used. */
  readonly onProblem?: (problem: Problem) => void;
  /** Called after every clip. */
  readonly onProgress?: (progress: { readonly done: number; readonly problems: number }) => void;
  readonly signal?: AbortSignal;
  /** Processes that look at the set together, each at items of its own; every one makes the same call. */
  readonly together?: SurveyedTogether;
};

/** This process among several that look at a set. */
export type SurveyedTogether = {
  /** Whether an item, by its place in the manifest, is this process's; each has one stretch. */
  readonly isOwn: (index: number) => boolean;
  /** What all found, in the order of the processes, told to every one. */
  readonly gather: <T>(own: readonly T[]) => Promise<readonly T[]>;
};

/** What a data set holds: how many items can be used, and why the others cannot. */
export type Survey = {
  readonly total: number;
  /** Items that can be used: the N that a reported figure should carry. */
  readonly usable: number;
  readonly reasons: Readonly<Record<SurveyReason, number>>;
  /** Usable items per split and per label. */
  readonly splits: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, number>>;
  /** Usable items that are longer than what a clip is looked at, {@link surveyedSeconds}. */
  readonly beyond: Beyond;
  /** What was met and is no clip, by reason. */
  readonly passedOver: PassedOver;
};

/** Finer reasons that are no row of their own. */
const rowOf: Readonly<Record<string, SurveyReason>> = {
  missing: "missing",
  "no-audio": "no-audio",
  "no-video": "no-video",
  "too-short": "too-short",
  "bad-name": "refused",
  "outside-root": "refused",
};

/** So much of a clip is looked at, seconds. */
export const surveyedSeconds = 10.3;

type Finding = {
  readonly item: ManifestItem;
  readonly hash?: string;
  readonly beyond?: number;
  readonly problem?: Omit<Problem, "item">;
};

/**
 * Looks at every item of a manifest: opens and decodes it, listens, looks, compares it with those before it. An item
 * has at most one problem, the first that is found; of equal items the first counts as usable.
 *
 * @throws KdcError reason `aborted` when the signal says so, and whatever is no item's fault
 */
export async function survey(options: SurveyOptions): Promise<Survey> {
  const { manifest, workers, cleaned, onProblem, onProgress, together } = options;
  expectCount("survey", "workers", workers);
  const ending = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, ending.signal]) : ending.signal;
  const reasons = Object.fromEntries(surveyReasons.map((reason) => [reason, 0])) as Record<SurveyReason, number>;
  const [splits, labels, seen] = [new Map<string, number>(), new Map<string, number>(), new Map<string, string>()];
  const passed = countPassedOver();
  let [total, usable, beyond] = [0, 0, nothingBeyond];
  const output = cleaned === undefined ? undefined : await beginFile(cleaned);
  try {
    const work = (item: ManifestItem) => examine(item, { ...options, signal });
    const concurrency = workers * (options.decoder.together ?? 1);
    const pool = { concurrency, ahead: Math.max(4 * workers, concurrency + 16), stop: () => ending.abort() };
    const items = manifest.items(passed.passOver);
    const findings =
      together === undefined
        ? orderedMap(items, work, pool)
        : findTogether(items, together, (own) => orderedMap(own, work, pool), onProgress);
    for await (const { item, hash, beyond: own = 0, problem: found } of findings) {
      const twin = hash === undefined ? undefined : seen.get(hash);
      const problem = found ?? (twin === undefined ? undefined : duplicateOf(twin));
      total++;
      if (problem) {
        reasons[problem.reason]++;
        onProblem?.({ item, ...problem });
      } else {
        usable++;
        beyond = addBeyond(beyond, own);
        if (hash !== undefined) seen.set(hash, item.id);
        splits.set(item.split ?? "none", (splits.get(item.split ?? "none") ?? 0) + 1);
        for (const label of item.labels) labels.set(label, (labels.get(label) ?? 0) + 1);
        await output?.write(new TextEncoder().encode(manifestLine(item, manifest.media.root)));
      }
      onProgress?.({ done: total, problems: total - usable });
    }
    await output?.finish();
  } catch (error) {
    await output?.discard();
    throw error;
  }
  return {
    ...{ total, usable, reasons, beyond, passedOver: passed.result() },
    ...{ splits: Object.fromEntries(splits), labels: Object.fromEntries(labels) },
  };
}

/** Looks at one's own items, and gives what all processes found, in the order of the items. */
async function* findTogether(
  items: AsyncIterable<ManifestItem>,
  { isOwn, gather }: SurveyedTogether,
  look: (own: AsyncIterable<ManifestItem>) => AsyncIterable<Finding>,
  onProgress: SurveyOptions["onProgress"],
): AsyncGenerator<Finding> {
  const ownItems = async function* () {
    let index = 0;
    for await (const item of items) if (isOwn(index++)) yield item;
  };
  const own: Finding[] = [];
  let problems = 0;
  for await (const finding of look(ownItems())) {
    own.push(finding);
    if (finding.problem !== undefined) problems++;
    onProgress?.({ done: own.length, problems });
  }
  yield* await gather(own);
}

const duplicateOf = (twin: string): Omit<Problem, "item"> => ({
  reason: "duplicate",
  detail: "duplicate",
  message: `it sounds and looks exactly like ${twin}`,
});

async function examine(item: ManifestItem, options: SurveyOptions): Promise<Finding> {
  const { manifest, decoder, classes, requireLabels, signal } = options;
  if (signal?.aborted) throw mediaError("survey", "aborted");
  try {
    await expectItemAdmitted(item, manifest.media);
    const frames = { count: 8, limit: 10 };
    const clip = await decodeItem(decoder, item, {
      sampleRate: 16000,
      frames,
      size: 64,
      seconds: surveyedSeconds,
      signal,
    });
    const fault = inspectClip(clip, { ...usualThresholds, ...options.thresholds });
    if (fault) return { item, problem: { ...fault, detail: fault.reason } };
    const known = new Set(classes?.names);
    const strange = classes && item.labels.find((label) => !known.has(label));
    if (strange !== undefined || (requireLabels && item.labels.length === 0)) {
      const message =
        strange === undefined ? "it has no label" : `its label ${JSON.stringify(strange)} is not in the class list`;
      return { item, problem: { reason: "label-unknown", detail: "label-unknown", message } };
    }
    const beyond = secondsBeyond(clip, surveyedSeconds);
    return { item, hash: contentHash(clip), beyond };
  } catch (error) {
    if (!isKdcError(error) || !itemReasons.has(error.reason)) throw error;
    return {
      item,
      problem: { reason: rowOf[error.reason] ?? "undecodable", detail: error.reason, message: error.message },
    };
  }
}
