import { type Conduct, choosePerClass, frameRanks, type Protocol, retrieval, takeRows } from "@kdc-mae/eval";
import { expectClips } from "../../corpus/open-corpus.js";
import { manyRanks } from "../many-ranks.js";
import { byRecording } from "../parts-of-recordings.js";
import { embedFrames } from "./embedded-frames.js";
import type { EmbeddedSet } from "./embedded-set.js";
import { withFirstLabels } from "./first-labels.js";
import { type Carried, refuseModel, type Subject } from "./subject.js";

/**
 * Retrieval in both directions among the evaluated clips, or among some of every class, which the result then lists.
 *
 * @throws KdcError for an empty gallery, or clips without labels where classes are drawn from
 */
export async function retrieveClips(
  protocol: Protocol,
  { perClass, frames, tokens = "patches" }: Extract<Conduct, { task: "retrieval" }>,
  subject: Subject,
  embedded: (split: Subject["split"]) => Promise<EmbeddedSet>,
): Promise<Carried> {
  const { sets, split, leftOut, execute } = subject;
  const { items } = sets[split];
  expectClips(split, items);
  if (frames !== undefined || tokens === "global") {
    const made = await embedFrames(sets[split], subject, { tokens, frames: frames === undefined ? "middle" : "all" });
    const ranks = await frameRanks(made, frames ?? "max");
    return { head: "retrieval", result: retrieval({ ...made, ranks, protocol, leftOut, ...byRecording(items) }) };
  }
  const { audio, visual, ids, labels } = await embedded(split);
  if (perClass === undefined) {
    const ranks = await manyRanks(audio, visual, execute);
    return { head: "retrieval", result: retrieval({ audio, visual, ranks, protocol, leftOut, ...byRecording(items) }) };
  }
  const unlabelled = labels.findIndex((own) => own.length === 0);
  if (unlabelled >= 0) {
    refuseModel(
      protocol.name,
      `the clip ${ids[unlabelled]} has no label, and clips are drawn by class`,
      "Label every clip, or use retrieval-middle-frame",
    );
  }
  const { chosen, short } = choosePerClass(
    labels.map(([label]) => label),
    perClass,
  );
  const result = retrieval({
    ...{ audio: takeRows(audio, chosen), visual: takeRows(visual, chosen), protocol, leftOut },
    ...byRecording(Array.from(chosen, (place) => items[place])),
  });
  const few = Object.entries(short).map(([name, count]) => `${name} (${count})`);
  const warning = `${few.length} classes have fewer than ${perClass} clips: ${few.join(", ")}`;
  const rows = [...chosen].map((index) => [ids[index], labels[index][0]]);
  return {
    head: "retrieval",
    ids: [...chosen].map((index) => ids[index]),
    result: {
      ...result,
      protocol: withFirstLabels(protocol, labels),
      warnings: [...result.warnings, ...(few.length === 0 ? [] : [warning])],
    },
    tables: [{ title: "The clips drawn", head: ["clip", "class"], rows }],
  };
}
