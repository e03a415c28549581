import {
  type Conduct,
  fitTaggingProbe,
  labelIndices,
  labelTargets,
  linearProbe,
  type Protocol,
  predictLinear,
  tagging,
  takeRows,
  varyProtocol,
} from "@kdc-mae/eval";
import { byRecording } from "../parts-of-recordings.js";
import { choosingClips } from "./choosing-clips.js";
import type { EmbeddedSet } from "./embedded-set.js";
import type { Carried, Subject } from "./subject.js";

/**
 * A linear probe on frozen embeddings, fitted on the training clips: softmax where every clip has one label, else a
 * sigmoid for each class. Its strength is chosen on the validation clips, or on a fifth of the training recordings.
 *
 * @throws KdcError for training clips of one class, labels that no training clip has
 */
export async function probeClips(
  protocol: Protocol,
  { stream }: Extract<Conduct, { task: "linear-probe" }>,
  subject: Subject,
  embedded: (split: Subject["split"]) => Promise<EmbeddedSet>,
): Promise<Carried> {
  const { sets, split, leftOut } = subject;
  const drawn = byRecording(sets[split].items);
  const { recordings } = byRecording(sets.train.items).intervals;
  const { kinds, isSingle, from, fitted, chosen, source } = choosingClips(subject);
  const [train, test, choosing] = [await embedded("train"), await embedded(split), await embedded(from)];
  if (isSingle) {
    const rows = (set: EmbeddedSet) => ({
      features: set[stream],
      labels: labelIndices(
        kinds,
        set.labels.map(([label]) => label),
      ),
    });
    // Without validation clips it spares a fifth of the training recordings by itself.
    const validation = from === "train" ? {} : { validation: rows(choosing) };
    const result = linearProbe({
      kinds,
      train: { ...rows(train), recordings },
      test: rows(test),
      ...validation,
      ...drawn,
      protocol,
      leftOut,
    });
    return { head: "classification", result };
  }
  const part = (set: EmbeddedSet, places: Int32Array) => ({
    features: takeRows(set[stream], places),
    targets: labelTargets(
      kinds,
      Array.from(places, (place) => set.labels[place]),
    ),
  });
  const { classifier, l2, tried } = fitTaggingProbe({
    ...{ kinds, train: part(train, fitted), validation: part(choosing, chosen) },
  });
  const told = varyProtocol(protocol, {
    name: protocol.name,
    notes: [
      "any number of labels per clip: binary cross-entropy for each class, l2 chosen by mAP",
      `l2 = ${l2}, chosen among ${tried.map((one) => one.l2).join(", ")} on ${source}`,
    ],
  });
  const targets = labelTargets(kinds, test.labels);
  const scores = predictLinear(classifier, test[stream]);
  return { head: "tagging", result: tagging({ kinds, scores, targets, protocol: told, leftOut, ...drawn }) };
}
