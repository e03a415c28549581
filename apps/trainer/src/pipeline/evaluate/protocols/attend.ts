import {
  type Conduct,
  classification,
  labelIndices,
  labelTargets,
  type Matrix,
  type Protocol,
  tagging,
  takeRows,
  varyProtocol,
} from "@kdc-mae/eval";
import { byRecording } from "../parts-of-recordings.js";
import { fitAttentive, type ProbedSet, predictAttentive } from "./attentive.js";
import { choosingClips, every } from "./choosing-clips.js";
import { type Carried, evaluatedSet, type Subject } from "./subject.js";

/** How good scores are on the clips that choose: accuracy, or mAP; then the mean loss. */
function goodness(kinds: readonly string[], scores: Matrix, targets: Matrix, isSingle: boolean) {
  const [N, C] = scores.shape;
  let loss = 0;
  for (let i = 0; i < scores.data.length; i++) {
    const [p, t] = [scores.data[i], targets.data[i]];
    loss -= t * Math.log(Math.max(p, 1e-30)) + (isSingle ? 0 : (1 - t) * Math.log(Math.max(1 - p, 1e-30)));
  }
  const once = { intervals: { resamples: 1 } };
  const labels = Int32Array.from({ length: N }, (_, clip) => targets.data.indexOf(1, clip * C) - clip * C);
  const score = isSingle
    ? classification({ kinds, probabilities: scores, labels, ...once }).accuracy
    : (tagging({ kinds, scores, targets, ...once }).mAP ?? 0);
  return { score, loss: loss / N };
}

/**
 * An attentive probe on frozen tokens, trained on the training clips by the engine: one learned query attends to the
 * tokens (V-JEPA, Bardes et al. 2024). Its learning rate is chosen on the validation clips, or on a fifth of the training
 * recordings; softmax where every clip has one label, else a sigmoid for each class.
 *
 * @throws KdcError for training clips of one class, labels that no training clip has
 */
export async function attendClips(
  protocol: Protocol,
  conduct: Extract<Conduct, { task: "attentive-probe" }>,
  subject: Subject,
): Promise<Carried> {
  const { sets, split, leftOut } = subject;
  const { kinds, isSingle, from, fitted, chosen, source } = choosingClips(subject);
  const targetsOf = (set: Subject["sets"]["train"]) =>
    labelTargets(
      kinds,
      set.items.map(({ labels }) => labels),
    );
  const part = (name: "train" | "validation", places: Int32Array): ProbedSet => ({
    ...{ set: sets[name], places, targets: targetsOf(sets[name]) },
  });
  const choosing = part(from, chosen);
  const link = isSingle ? "softmax" : "sigmoid";
  const attending = { stream: conduct.stream, link, subject, name: protocol.name } as const;
  const probes = await fitAttentive(part("train", fitted), conduct, attending);
  const trees = probes.map(({ params }) => params);
  const chosenOn = await predictAttentive(trees, choosing, attending, "choosing clips");
  const wanted = takeRows(choosing.targets, choosing.places);
  const tried = probes.map(({ rate, params }, at) => ({
    ...{ rate, params },
    ...goodness(kinds, chosenOn[at], wanted, isSingle),
  }));
  const best = tried.reduce((most, one) =>
    one.score > most.score || (one.score === most.score && one.loss < most.loss) ? one : most,
  );
  const test = { set: evaluatedSet(subject), places: every(sets[split].items.length) };
  const [scores] = await predictAttentive([best.params], test, attending, `${split} clips`);
  const told = varyProtocol(protocol, {
    name: protocol.name,
    notes: [
      ...(isSingle ? [] : ["any number of labels per clip: binary cross-entropy for each class, chosen by mAP"]),
      `learning rate ${best.rate}, chosen among ${conduct.rates.join(", ")} on ${source}`,
    ],
  });
  const drawn = byRecording(sets[split].items);
  if (!isSingle) {
    const result = tagging({ kinds, scores, targets: targetsOf(sets[split]), protocol: told, leftOut, ...drawn });
    return { head: "tagging", result };
  }
  const labels = labelIndices(
    kinds,
    sets[split].items.map(({ labels: [label] }) => label),
  );
  return {
    head: "classification",
    result: classification({ kinds, probabilities: scores, labels, protocol: told, leftOut, ...drawn }),
  };
}
