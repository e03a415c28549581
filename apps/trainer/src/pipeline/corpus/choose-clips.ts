import { basename } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { dealFrom } from "@kdc-mae/data";
import {
  type NamedFor,
  type Placing,
  placingInWords,
  readClassLabels,
  type ShardChoice,
  type Split,
  type SplitUse,
  splitNamed,
} from "@kdc-mae/data/node";
import type { CheckedExperiment } from "../experiment/schema.js";
import type { Surroundings } from "../surroundings.js";

export type DataSource = CheckedExperiment["data"];

/** How a list is read. */
export type ListChoice = {
  /** Where paths begin, and which none may leave; the list's folder unless given. */
  readonly mediaRoot?: string;
  /** Lets paths and links lead out of the media root. */
  readonly allowOutside?: boolean;
  /** A class list, which gives mids their names: index,mid,display_name or one name per line. */
  readonly classes?: string;
  /** A list of labels: only clips with one of them are taken. */
  readonly labels?: string;
  /** Deals clips that name no split: shares of train, validation and test, such as 0.8,0.1,0.1. */
  readonly splitBy?: string;
  /** Cuts long recordings into clips of so many seconds. */
  readonly windows?: number;
};

/** What the clips of some data are opened for. */
export type Purpose = {
  /** Decides where clips go that name no split; `fitting` unless given. */
  readonly namedFor?: NamedFor;
  /** Of data named for scoring in which no clip names a split, the one all are in. */
  readonly scored?: Split;
  /** What is done with the clips of each split, for the note that says how many of which; no note without it. */
  readonly uses?: Readonly<Record<string, SplitUse>>;
};

/** The split that is trained on: `data.split`, or train. */
export const fittedSplit = (data: DataSource): string =>
  (data.kind === "synthetic" ? undefined : splitNamed(data.split)) ?? "train";

/** Which clips some data name: those of a list of labels, dealt to splits where they name none. */
export async function choiceOf(data: DataSource): Promise<ShardChoice> {
  if (data.kind === "synthetic") return {};
  return {
    ...(data.labels === undefined ? {} : { only: await readClassLabels(data.labels) }),
    ...(data.splitBy === undefined ? {} : { splitBy: dealFrom(data.splitBy) }),
  };
}

/**
 * Of prepared shards: an option that is not read is an error.
 *
 * @throws KdcError (reason `option`) where an experiment says how many pictures are taken of a clip
 */
export function expectNoFrames(framesPerClip: number | undefined): void {
  if (framesPerClip === undefined) return;
  throw new KdcError({
    where: "experiment, visual.framesPerClip",
    what: `${framesPerClip} pictures a clip are asked for, and prepared shards hold those that prepare took (its --frames)`,
    remedy: "Leave it out (--set visual.framesPerClip=null), or prepare the set again with other --frames",
    reason: "option",
  });
}

/** What data are called in messages. */
export const nameOfData = (data: DataSource): string => (data.kind === "synthetic" ? "synthetic clips" : data.path);

/** Says that what is scored is of recordings that are fitted too, in words; undefined where it is not. */
export function recordingsOfBoth({ recordingsInBoth }: Placing, fitted: string, scored: string): string | undefined {
  const both = fitted === scored ? [] : (recordingsInBoth?.(fitted, scored) ?? []);
  if (both.length === 0) return undefined;
  const [are, them] = both.length === 1 ? ["recording has", "it"] : ["recordings have", "them"];
  return `${both.length} ${are} clips in ${fitted} and in ${scored}, such as ${basename(both[0])}: clips of ${them} are near copies, and figures on ${scored} are not all of unseen recordings`;
}

/** Says how many clips are fitted, scored and neither. */
export function sayPlacing(data: DataSource, placing: Placing, { uses }: Purpose, { onNote }: Surroundings): void {
  if (uses !== undefined) onNote?.(`data ${nameOfData(data)}: ${placingInWords(placing, uses)}`);
}
