import { createRng } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import {
  type Conduct,
  ezVsl,
  type LocalizationClip,
  localization,
  type Matrix,
  type Protocol,
  plainIoU,
  takeRows,
} from "@kdc-mae/eval";
import { boxesOf } from "../boxes.js";
import { rowOf } from "../embed-clips.js";
import { recordingOf } from "../parts-of-recordings.js";
import { type EmbeddedSet, embedBatches } from "./embedded-set.js";
import { silence } from "./silence.js";

import { type Carried, evaluatedSet, refuseModel, type Subject, sharedOf } from "./subject.js";

import { timeSteps } from "./time-steps.js";
import { windowSteps } from "./window-steps.js";

type LocalizationPlan = Extract<Conduct, { task: "localization" }>;

/** The sound a clip's frame is shown again with, as its mean audio embedding. */
type OtherSound = (clip: StoredClip) => Float32Array;

const tokensOf = (row: Float32Array, tokens: number): Matrix => ({ shape: [tokens, row.length / tokens], data: row });

/** Clips with a box, each with its own sound, and where asked again with another. */
async function* pairedClips(subject: Subject, other: OtherSound | undefined): AsyncGenerator<LocalizationClip> {
  const { visual: grid } = sharedOf(subject.saved).config;
  const size = grid.rows * grid.patch;
  for await (const { clips, made } of embedBatches(evaluatedSet(subject), subject, "localization")) {
    for (const [index, clip] of clips.entries()) {
      if (clip.item.boxes === undefined) continue;
      const visual = tokensOf(rowOf(made.tokens, index), grid.rows * grid.columns);
      const boxes = boxesOf(clip, size);
      const own = { audio: rowOf(made.audio, index), visual, boxes };
      // A frame whose box the crop has cut away is not asked again either: the protocol scores pairs.
      const again = other === undefined || boxes[0] === undefined ? [] : [{ audio: other(clip), visual, boxes: [] }];
      yield { id: clip.item.id, steps: [own, ...again] };
    }
  }
}

/** The embedding of silence, the same for every clip. */
async function silentSound(subject: Subject): Promise<OtherSound> {
  const quiet = { items: [{ id: "silence", labels: [] }], read: () => [silence(subject.cutting.form)] };
  for await (const { made } of embedBatches({ ...quiet, close: async () => undefined }, subject, "silence")) {
    const audio = rowOf(made.audio, 0);
    return () => audio;
  }
  throw new Error("no batch could be made of silence");
}

/** The sound of a clip of another class, drawn by seed and clip. Of a clip without a label nobody knows whether it is of another. */
export function otherSound({ ids, labels, audio }: EmbeddedSet, protocol: string): OtherSound {
  const root = createRng("off-screen");
  const places = [...ids.keys()].filter((place) => labels[place].length > 0);
  return ({ item }) => {
    const isOther = (place: number) => !labels[place].some((label) => item.labels.includes(label));
    const strangers = item.labels.length === 0 ? [] : places.filter(isOther);
    if (strangers.length === 0) {
      refuseModel(
        protocol,
        `no other clip is of another class than ${item.id} (${item.labels.join(", ") || "no label"})`,
        "Give labelled clips of at least two classes, or use localization-silent",
      );
    }
    const place = strangers[root.fork(item.id).integer(strangers.length)];
    return takeRows(audio, [place]).data;
  };
}

/**
 * Where the sound is seen, scored against boxes.
 *
 * @throws KdcError when no clip has a box inside the frame, or there is no other class to take a sound from
 */
export async function localizeClips(
  protocol: Protocol,
  plan: LocalizationPlan,
  subject: Subject,
  embedded: (split: Subject["split"]) => Promise<EmbeddedSet>,
): Promise<Carried> {
  const { config } = sharedOf(subject.saved);
  const side = config.visual.rows * config.visual.patch;
  const other =
    plan.negatives === "silent"
      ? await silentSound(subject)
      : plan.negatives === "off-screen"
        ? otherSound(await embedded(subject.split), protocol.name)
        : undefined;
  const { around } = plan;
  const set = evaluatedSet(subject);
  const clips =
    around === undefined
      ? pairedClips(subject, other)
      : "hidden" in around
        ? windowSteps(set, subject, around.hidden)
        : timeSteps(set, subject, around.seconds);
  const recordings = new Map(set.items.map((item) => [item.id, recordingOf(item)]));
  let boxed = 0;
  async function* counted() {
    for await (const clip of clips) {
      boxed += 1;
      yield { ...clip, recording: recordings.get(clip.id) };
    }
  }
  const result = await localization({
    grid: config.visual,
    picture: { width: side, height: side },
    scoring: plan.scoring === "ez-vsl" ? ezVsl : plainIoU,
    ...{ clips: counted(), protocol, leftOut: subject.leftOut },
  });
  const without = set.items.length - boxed;
  const leftOut = without === 0 ? result.leftOut : { ...result.leftOut, "no-box": without };
  return { head: "localization", result: { ...result, leftOut } };
}
