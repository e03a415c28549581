import type { Stream } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { ANY_SPLIT, type LeftOutBySplit } from "@kdc-mae/data/node";
import { type HeadResult, inpaintingProtocol, kindsOf, type ProtocolRecord } from "@kdc-mae/eval";
import type { ReportInput } from "@kdc-mae/eval/report";
import type { ClipSet } from "../corpus/clip-set.js";
import { spread } from "../corpus/open-corpus.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { embedClips } from "./embed-clips.js";
import { loneNote } from "./parts-of-recordings.js";
import { pictureClips, stripsAt } from "./picture-clips.js";
import { retrievalExamples } from "./pictures.js";
import { type EmbeddedSet, embeddings } from "./protocols/embedded-set.js";
import { withFirstLabels } from "./protocols/first-labels.js";
import { carryOut, protocolsNamed } from "./protocols/run.js";
import { refuseModel, type Subject } from "./protocols/subject.js";
import { restoredNote, restoredTargets } from "./run-in-words.js";

/** The part of a report that evaluation fills in. */
export type Evaluation = Pick<
  ReportInput,
  | "dataset"
  | "retrieval"
  | "classification"
  | "inpainting"
  | "localization"
  | "clips"
  | "inpaintingStrips"
  | "retrievalExamples"
  | "pictureNote"
>;

const PICTURED_CLIPS = 8;
const STRIPS = 3;
const streams: readonly Stream[] = ["audio", "visual", "joint"];

/** Clips that were left out of any split, by reason and split. */
const ofAllSplits = (leftOut: LeftOutBySplit): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(leftOut).flatMap(([split, reasons]) =>
      Object.entries(reasons).map(([reason, count]) => [
        reason.endsWith(ANY_SPLIT) ? reason : `${reason} (${split})`,
        count,
      ]),
    ),
  );

/** What a report measures, one protocol a task; inpainting hides as much as the experiment does. */
export const reportProtocols = ({ masking }: Pick<CheckedExperiment, "masking">): readonly ProtocolRecord[] => [
  ...protocolsNamed(["retrieval-middle-frame", ...streams.map((stream) => `linear-probe-${stream}`)]),
  inpaintingProtocol("random", masking.visualRatio),
  ...protocolsNamed(["localization-ez-vsl"]),
];

/** The clips of a set at some places, in the order of the places. */
async function clipsAt(set: ClipSet, places: readonly number[]): Promise<readonly StoredClip[]> {
  const found = new Map<number, StoredClip>();
  let at = 0;
  for await (const clip of set.read()) {
    if (places.includes(at)) found.set(at, clip);
    at += 1;
  }
  return places.flatMap((place) => found.get(place) ?? []);
}

/** A set as a probe of one label sees it: of several labels the first. */
const firstLabel = <Told extends { readonly labels: readonly string[] }>(one: Told): Told => ({
  ...one,
  labels: one.labels.slice(0, 1),
});

/**
 * All four tasks, each under its protocol, with pictures. Nothing is drawn at random that the seed does not decide.
 *
 * @param subject with a pretrained model, whose experiment's seed draws the masks and whose mask ratio is inpainted at
 */
export async function evaluateTasks(
  subject: Subject,
  onStage: (what: string) => void = () => undefined,
): Promise<Evaluation> {
  const { saved, sets, split, leftOut, execute, cutting } = subject;
  if (!("model" in saved)) {
    return refuseModel("report", "the model is a classifier", "Give a pretrained model, or name protocols");
  }
  const { config, params, experiment } = saved.model;
  const { seed, masking } = experiment;
  const kinds = kindsOf(Object.values(sets).flatMap(({ items }) => items.flatMap(({ labels }) => labels)));
  const embedded = embeddings(subject);
  const one = (set: ClipSet): ClipSet => ({ ...set, items: set.items.map(firstLabel) });
  const probed: Subject = {
    ...{ ...subject, kinds, denormalize: true },
    sets: { train: one(sets.train), validation: one(sets.validation), test: one(sets.test) },
  };
  const labelled = async (name: Subject["split"]): Promise<EmbeddedSet> => {
    const set = await embedded(name);
    return { ...set, labels: set.labels.map((labels) => labels.slice(0, 1)) };
  };

  onStage("embedding");
  const { boxed } = await embedded(split);
  const isMeasured = ({ conduct: { task } }: ProtocolRecord): boolean =>
    task === "linear-probe" ? kinds.length > 1 : task !== "localization" || boxed > 0;
  const labels = Object.values(sets).flatMap(({ items }) => items.map((item) => item.labels));
  /** Says where a probe of one label takes the first of several. */
  const told = (carried: HeadResult): HeadResult => {
    if (carried.head !== "classification") return carried;
    const { result } = carried;
    return { ...carried, result: { ...result, protocol: withFirstLabels(result.protocol, labels) } };
  };
  const made: { readonly record: ProtocolRecord; readonly carried: HeadResult }[] = [];
  for (const record of reportProtocols(experiment).filter(isMeasured)) {
    onStage(record.protocol.name);
    made.push({ record, carried: told(await carryOut(record, probed, labelled)) });
  }
  const resultOf = <Name extends HeadResult["head"]>(head: Name) =>
    made.flatMap(({ carried }) =>
      carried.head === head ? [carried.result as Extract<HeadResult, { head: Name }>["result"]] : [],
    );
  const [[retrieval], [inpainting], [localization]] = [
    resultOf("retrieval"),
    resultOf("inpainting"),
    resultOf("localization"),
  ];
  const probes = Object.fromEntries(
    made.flatMap(({ record: { conduct }, carried }) =>
      conduct.task === "linear-probe" && carried.head === "classification" ? [[conduct.stream, carried.result]] : [],
    ),
  );

  onStage("pictures");
  const targets = restoredTargets(experiment);
  const model = { execute, config, params };
  const chosen = spread([...sets[split].items.keys()], PICTURED_CLIPS);
  const pictured = await clipsAt(sets[split], chosen);
  const ratios = { ratio: masking.visualRatio, audioRatio: masking.audioRatio };
  const clips = await pictureClips(pictured, await embedClips(pictured, model, cutting), model, cutting, {
    ...{ seed, ...ratios, targets },
  });
  const inpaintingStrips = await stripsAt(pictured.slice(0, STRIPS), model, cutting, { seed, targets });
  const lone = retrieval && loneNote(retrieval);
  const count = (name: Subject["split"]) => sets[name].items.length;
  return {
    dataset: {
      ...{ train: count("train"), validation: count("validation"), test: count("test"), kinds },
      leftOut: ofAllSplits(subject.leftOutBySplit ?? { [split]: leftOut }),
    },
    retrieval: retrieval && {
      ...retrieval,
      warnings: [...retrieval.warnings, ...(subject.doubts ?? []), ...(lone === undefined ? [] : [lone])],
    },
    ...(kinds.length > 1 ? { classification: probes as Evaluation["classification"] } : {}),
    inpainting: inpainting === undefined ? [] : [inpainting],
    ...(localization === undefined ? {} : { localization }),
    ...{ clips, inpaintingStrips, ...restoredNote(targets) },
    retrievalExamples: await retrievalExamples(
      await embedded(split),
      chosen.slice(0, 5),
      model.config,
      cutting,
      (places) => clipsAt(sets[split], places),
    ),
  };
}
