import { fewShot, kindsOf, knnProbe, labelIndices, type Protocol } from "@kdc-mae/eval";
import { classificationSection, fewShotSection, type ResultSection } from "@kdc-mae/eval/report";
import { expectClasses } from "../../finetune/classes.js";
import type { EmbeddedSet } from "./embedded-set.js";
import type { ProtocolPlan } from "./plan.js";
import type { Subject } from "./subject.js";

/**
 * Probes that train nothing: the nearest training clips vote, or a few of each class stand for it.
 *
 * @throws KdcError for clips with other than one label, labels that no training clip has, too few training clips
 */
export async function voteClips(
  protocol: Protocol,
  { task, stream }: Extract<ProtocolPlan, { task: "knn-probe" | "few-shot" }>,
  { sets, split, leftOut }: Subject,
  embedded: (split: Subject["split"]) => Promise<EmbeddedSet>,
): Promise<ResultSection> {
  const kinds = kindsOf(sets.train.items.flatMap(({ labels }) => labels));
  expectClasses("training clips", sets.train.items, kinds, "one");
  expectClasses(`${split} clips`, sets[split].items, kinds, "one");
  const rows = (set: EmbeddedSet) => ({
    features: set[stream],
    labels: labelIndices(
      kinds,
      set.labels.map(([label]) => label),
    ),
  });
  const input = { kinds, train: rows(await embedded("train")), test: rows(await embedded(split)), protocol, leftOut };
  return task === "knn-probe" ? classificationSection(knnProbe(input)) : fewShotSection(fewShot(input));
}
