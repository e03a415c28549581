import { type Conduct, fewShot, kindsOf, knnProbe, labelIndices, type Protocol } from "@kdc-mae/eval";
import { expectClasses } from "../../finetune/classes.js";
import { byRecording } from "../parts-of-recordings.js";
import type { EmbeddedSet } from "./embedded-set.js";
import type { Carried, Subject } from "./subject.js";

/**
 * Probes that train nothing: the nearest training clips vote, or a few of each class stand for it.
 *
 * @throws KdcError for clips with other than one label, labels that no training clip has, too few training clips
 */
export async function voteClips(
  protocol: Protocol,
  conduct: Extract<Conduct, { task: "knn-probe" | "few-shot" }>,
  { sets, split, leftOut }: Subject,
  embedded: (split: Subject["split"]) => Promise<EmbeddedSet>,
): Promise<Carried> {
  const kinds = kindsOf(sets.train.items.flatMap(({ labels }) => labels));
  expectClasses("training clips", sets.train.items, kinds, "one");
  expectClasses(`${split} clips`, sets[split].items, kinds, "one");
  const rows = (set: EmbeddedSet) => ({
    features: set[conduct.stream],
    labels: labelIndices(
      kinds,
      set.labels.map(([label]) => label),
    ),
  });
  const train = { ...rows(await embedded("train")), ...byRecording(sets.train.items).intervals };
  const input = {
    ...{ kinds, train, test: rows(await embedded(split)), protocol, leftOut },
    ...byRecording(sets[split].items),
  };
  return conduct.task === "knn-probe"
    ? { head: "classification", result: knnProbe({ ...input, ...conduct }) }
    : { head: "few-shot", result: fewShot({ ...input, ...conduct }) };
}
