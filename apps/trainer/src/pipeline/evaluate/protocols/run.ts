import type { SplitUse } from "@kdc-mae/data/node";
import { varyProtocol } from "@kdc-mae/eval";
import type { FailedProtocol, ResultSection } from "@kdc-mae/eval/report";
import { expectClips } from "../../corpus/splits.js";
import { classifyClips } from "./classify.js";
import { embeddings } from "./embedded-set.js";
import { inpaintClips } from "./inpaint.js";
import { localizeClips } from "./localize.js";
import type { ProtocolPlan, RunnableProtocol } from "./plan.js";
import { probeClips } from "./probe.js";
import { retrieveClips } from "./retrieve.js";
import { sounderClips } from "./sounder.js";
import { refuseModel, type Subject } from "./subject.js";
import { voteClips } from "./vote.js";

/** Tasks that look at labelled training clips. */
const usesTraining = (task: ProtocolPlan["task"]) =>
  task === "linear-probe" || task === "knn-probe" || task === "few-shot";

/** The splits that some protocols must have clips in, and those they look at where there are clips. */
export function splitsFor(
  plans: readonly ProtocolPlan[],
  split: Subject["split"],
): Readonly<Record<"needs" | "only", readonly Subject["split"][]>> {
  if (plans.every(({ task }) => !usesTraining(task))) return { needs: [split], only: [split] };
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
export function expectProbesApart(chosen: readonly RunnableProtocol[], split: Subject["split"]): void {
  const probe = chosen.find(({ plan }) => usesTraining(plan.task));
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
 * @param onFailed takes a protocol that failed while others did not; without it the first failure ends everything
 * @throws KdcError for an empty split, and, where no protocol is left, that of the last
 */
export async function runProtocols(
  chosen: readonly RunnableProtocol[],
  subject: Subject,
  onFailed?: (failed: FailedProtocol) => void,
): Promise<readonly ResultSection[]> {
  expectClips(subject.split, subject.sets[subject.split].items);
  const embedded = embeddings(subject);
  const sections: ResultSection[] = [];
  let last: unknown;
  for (const { protocol, plan } of chosen) {
    subject.signal?.throwIfAborted();
    try {
      const section = await carryOut({ protocol, plan }, subject, embedded);
      sections.push(
        plan.task === "classification" || plan.task === "vggsounder" ? section : tellTuned(section, subject),
      );
    } catch (error) {
      if (onFailed === undefined || subject.signal?.aborted) throw error;
      const message = error instanceof Error ? error.message : String(error);
      onFailed({ protocol: protocol.name, message });
      last = error;
    }
  }
  if (sections.length === 0 && last !== undefined) throw last;
  return sections;
}

function carryOut(
  { protocol, plan }: RunnableProtocol,
  subject: Subject,
  embedded: ReturnType<typeof embeddings>,
): Promise<ResultSection> {
  switch (plan.task) {
    case "classification":
      return classifyClips(protocol, plan, subject);
    case "linear-probe":
      return probeClips(protocol, plan, subject, embedded);
    case "knn-probe":
    case "few-shot":
      return voteClips(protocol, plan, subject, embedded);
    case "vggsounder":
      return sounderClips(protocol, subject);
    case "retrieval":
      return retrieveClips(protocol, plan, subject, embedded);
    case "inpainting":
      return inpaintClips(protocol, plan, subject);
    case "localization":
      return localizeClips(protocol, plan, subject, embedded);
  }
}

/** Says where the encoder is not the pretrained one any more. */
function tellTuned(section: ResultSection, { saved }: Subject): ResultSection {
  if ("model" in saved) return section;
  const { name } = section.protocol;
  const { mode, tune } = saved.classifier.experiment;
  const note = `the encoder is that of a classifier: fine-tuned ${mode}, ${tune}`;
  return { ...section, protocol: varyProtocol(section.protocol, { name, notes: [note] }) };
}
