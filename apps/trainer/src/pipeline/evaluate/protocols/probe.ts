import {
  type Conduct,
  fitTaggingProbe,
  holdOut,
  kindsOf,
  labelIndices,
  labelTargets,
  linearProbe,
  type Matrix,
  type Protocol,
  predictLinear,
  tagging,
  takeRows,
  varyProtocol,
} from "@kdc-mae/eval";
import { expectClasses } from "../../finetune/classes.js";
import type { EmbeddedSet } from "./embedded-set.js";
import type { Carried, Subject } from "./subject.js";

/**
 * A linear probe on frozen embeddings, fitted on the training clips: softmax where every clip has one label, else a
 * sigmoid for each class. Its strength is chosen on the validation clips, or on a fifth of the training clips.
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
  const { kinds = kindsOf(sets.train.items.flatMap(({ labels }) => labels)) } = subject;
  expectClasses("training clips", sets.train.items, kinds, "any");
  expectClasses(`${split} clips`, sets[split].items, kinds, "any");
  const isGiven = split !== "validation" && sets.validation.items.length > 0;
  if (isGiven) expectClasses("validation clips", sets.validation.items, kinds, "any");
  const [train, test] = [await embedded("train"), await embedded(split)];
  const given = isGiven ? await embedded("validation") : undefined;
  const single = [train, test, given].every(
    (set) => set === undefined || set.labels.every(({ length }) => length === 1),
  );
  if (single) {
    const rows = (set: EmbeddedSet) => ({
      features: set[stream],
      labels: labelIndices(
        kinds,
        set.labels.map(([label]) => label),
      ),
    });
    const validation = given === undefined ? {} : { validation: rows(given) };
    const result = linearProbe({ kinds, train: rows(train), test: rows(test), ...validation, protocol, leftOut });
    return { head: "classification", result };
  }
  const tagged = (features: Matrix, labels: EmbeddedSet["labels"]) => ({
    features,
    targets: labelTargets(kinds, labels),
  });
  const first = holdOut(
    labelIndices(
      kinds,
      train.labels.map(([label]) => label),
    ),
  );
  const part = (indices: Int32Array) =>
    tagged(
      takeRows(train[stream], indices),
      [...indices].map((index) => train.labels[index]),
    );
  const all = tagged(train[stream], train.labels);
  // Where every class has one clip, none can be spared.
  const [fitted, chosen, source] =
    given !== undefined
      ? [all, tagged(given[stream], given.labels), "the validation clips"]
      : first.held.length > 0
        ? [part(first.kept), part(first.held), "a fifth of the training clips"]
        : [all, all, "the training clips"];
  const { classifier, l2, tried } = fitTaggingProbe({ kinds, train: fitted, validation: chosen });
  const told = varyProtocol(protocol, {
    name: protocol.name,
    notes: [
      "any number of labels per clip: binary cross-entropy for each class, l2 chosen by mAP",
      `l2 = ${l2}, chosen among ${tried.map((one) => one.l2).join(", ")} on ${source}`,
    ],
  });
  const targets = labelTargets(kinds, test.labels);
  const scores = predictLinear(classifier, test[stream]);
  return { head: "tagging", result: tagging({ kinds, scores, targets, protocol: told, leftOut }) };
}
