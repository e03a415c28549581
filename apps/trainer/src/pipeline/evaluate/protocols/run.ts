import { isKdcError, KdcError } from "@kdc-mae/core";
import type { SplitUse } from "@kdc-mae/data/node";
import { type Conduct, groupFigures, type ProtocolRecord, protocolRecords, varyProtocol } from "@kdc-mae/eval";
import { type FailedProtocol, type ResultSection, sectionOf } from "@kdc-mae/eval/report";
import { expectClips } from "../../corpus/open-corpus.js";
import { ownData } from "../chosen-data.js";
import { loneNote, recordingOf } from "../parts-of-recordings.js";
import { attendClips } from "./attend.js";
import { classifyClips } from "./classify.js";
import { embeddings } from "./embedded-set.js";
import { inpaintClips } from "./inpaint.js";
import { localizeClips } from "./localize.js";
import { probeClips } from "./probe.js";
import { retrieveClips } from "./retrieve.js";
import { sounderClips } from "./sounder.js";
import { type Carried, refuseModel, type Subject } from "./subject.js";
import { expectTaken } from "./takes.js";
import { voteClips } from "./vote.js";

/**
 * The protocols of these names, in that order.
 *
 * @throws KdcError for a name that is none, with all names
 */
export const protocolsNamed = (names: readonly string[]): readonly ProtocolRecord[] =>
  names.map((name) => {
    const found = protocolRecords.find(({ protocol }) => protocol.name === name);
    if (found !== undefined) return found;
    throw new KdcError({
      where: "evaluate --protocol",
      what: `there is no protocol named ${JSON.stringify(name)}`,
      remedy: `Use one of ${protocolRecords.map(({ protocol }) => protocol.name).join(", ")}`,
      reason: "usage",
    });
  });

/** Tasks that look at labelled training clips. */
const usesTraining = (task: Conduct["task"]) =>
  task === "linear-probe" || task === "attentive-probe" || task === "knn-probe" || task === "few-shot";

/** The splits that some protocols must have clips in, and those they look at where there are clips. */
export function splitsFor(
  records: readonly ProtocolRecord[],
  split: Subject["split"],
): Readonly<Record<"needs" | "only", readonly Subject["split"][]>> {
  if (records.every(({ conduct }) => !usesTraining(conduct.task))) return { needs: [split], only: [split] };
  return { needs: [...new Set(["train" as const, split])], only: ["train", "validation", "test"] };
}

/** What is done with the clips of each split that is opened. */
export const usesOf = (
  only: readonly Subject["split"][],
  split: Subject["split"],
): Readonly<Record<string, SplitUse>> => ({
  ...(only.includes("train") ? { train: "fitted" as const } : {}),
  ...(only.includes("validation") ? { validation: "looked at" as const } : {}),
  [split]: "scored",
});

/** A probe is fitted on the training clips. @throws KdcError where it would be scored on them */
export function expectProbesApart(chosen: readonly ProtocolRecord[], split: Subject["split"]): void {
  const probe = chosen.find(({ conduct }) => usesTraining(conduct.task));
  if (probe === undefined || split !== "train") return;
  refuseModel(
    probe.protocol.name,
    "the probe is fitted on the training clips, so it is not scored on them",
    "Ask for --split validation or --split test",
  );
}

/**
 * Carries protocols out one after the other. Nothing is drawn at random that a seed does not decide, so the same model
 * on the same clips gives the same figures.
 *
 * @param onFailed takes a protocol that failed while others did not, and one whose clips make no groups, which keeps its
 * other figures; without it the first failure ends everything
 * @param onDone is told after every protocol how many are done
 * @throws KdcError for an empty split, and, where no protocol is left, that of the last
 */
export async function runProtocols(
  chosen: readonly ProtocolRecord[],
  subject: Subject,
  onFailed?: (failed: FailedProtocol) => void,
  onDone?: (done: number) => void,
): Promise<readonly ResultSection[]> {
  expectClips(subject.split, subject.sets[subject.split].items);
  const embedded = embeddings(subject);
  const sections: ResultSection[] = [];
  let last: unknown;
  for (const [at, record] of chosen.entries()) {
    subject.signal?.throwIfAborted();
    const { protocol, conduct } = record;
    const failed = (error: unknown) => {
      if (onFailed === undefined || subject.signal?.aborted) throw error;
      onFailed({ protocol: protocol.name, message: error instanceof Error ? error.message : String(error) });
    };
    try {
      const carried = await carryOut(record, subject, embedded);
      const section = tellParts(tellWindow(sectionOf(carried), subject), subject);
      const told = {
        ...{ ...section, tables: [...section.tables, ...(carried.tables ?? [])] },
        ...groupsOf(carried, subject, failed),
      };
      sections.push(
        conduct.task === "classification" || conduct.task === "vggsounder" ? told : tellTuned(told, subject),
      );
    } catch (error) {
      failed(error);
      last = error;
    }
    onDone?.(at + 1);
  }
  if (sections.length === 0 && last !== undefined) throw last;
  return sections;
}

/**
 * Carries one protocol out.
 *
 * @param embedded the embeddings of a split, made once
 * @throws KdcError for a model that it does not take
 */
export async function carryOut(
  record: ProtocolRecord,
  subject: Subject,
  embedded: ReturnType<typeof embeddings>,
): Promise<Carried> {
  expectTaken(record, subject.saved, subject);
  return tellRecordings(await underProtocol(record, subject, embedded));
}

function underProtocol(
  { protocol, conduct }: ProtocolRecord,
  subject: Subject,
  embedded: ReturnType<typeof embeddings>,
): Promise<Carried> {
  switch (conduct.task) {
    case "classification":
      return classifyClips(protocol, conduct, subject);
    case "linear-probe":
      return probeClips(protocol, conduct, subject, embedded);
    case "attentive-probe":
      return attendClips(protocol, conduct, subject);
    case "knn-probe":
    case "few-shot":
      return voteClips(protocol, conduct, subject, embedded);
    case "vggsounder":
      return sounderClips(protocol, subject);
    case "retrieval":
      return retrieveClips(protocol, conduct, subject, embedded);
    case "inpainting":
      return inpaintClips(protocol, conduct, subject);
    case "localization":
      return localizeClips(protocol, conduct, subject, embedded);
  }
}

/** Every figure by group of the evaluated clips, where they are asked for and there are any. */
function groupsOf(carried: Carried, { sets, split, groups }: Subject, onFailed: (error: unknown) => void) {
  if (groups === undefined) return {};
  const { items } = sets[split];
  const { ids = items.map(({ id }) => id) } = carried;
  const recordings = new Map(items.map((item) => [item.id, recordingOf(item)]));
  try {
    return {
      groups: groupFigures(carried, ids, groups.of, groups.by, { recordingOf: (id) => recordings.get(id) ?? id }),
    };
  } catch (error) {
    if (!isKdcError(error) || error.reason !== "groups") throw error;
    onFailed(error);
    return {};
  }
}

/** A protocol says where intervals over clips draw whole recordings of them; those of few shots draw episodes. */
function tellRecordings(carried: Carried): Carried {
  const { protocol, evaluated, recordings } = carried.result;
  if (recordings === undefined || carried.head === "few-shot") return carried;
  const note = `${evaluated} clips are parts of ${recordings} ${recordings === 1 ? "recording" : "recordings"}: intervals draw, or leave out, whole recordings`;
  const told = varyProtocol(protocol, { name: protocol.name, notes: [note] });
  return { ...carried, result: { ...carried.result, protocol: told } } as Carried;
}

/** Says what of the clips may have been seen, and where there are no intervals, since all clips are parts of one. */
const tellParts = (section: ResultSection, { doubts = [] }: Subject): ResultSection => ({
  ...section,
  warnings: [...section.warnings, ...doubts, ...[loneNote(section)].filter((note) => note !== undefined)],
});

/** Says where a picture does not go with the whole spectrogram. */
function tellWindow(section: ResultSection, { saved }: Subject): ResultSection {
  const { window } = ownData(saved).pairing;
  if (window === undefined) return section;
  const note = `each picture goes with the ${window} s of sound around it (visual.window)`;
  return { ...section, protocol: varyProtocol(section.protocol, { name: section.protocol.name, notes: [note] }) };
}

/** Says where the encoder is not the pretrained one any more. */
function tellTuned(section: ResultSection, { saved }: Subject): ResultSection {
  if ("model" in saved) return section;
  const { name } = section.protocol;
  const { mode, tune } = saved.classifier.experiment;
  const note = `the encoder is that of a classifier: fine-tuned ${mode}, ${tune}`;
  return { ...section, protocol: varyProtocol(section.protocol, { name, notes: [note] }) };
}
