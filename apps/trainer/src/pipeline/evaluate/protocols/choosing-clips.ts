import { holdOut, kindsOf, labelIndices } from "@kdc-mae/eval";
import { expectClasses } from "../../finetune/classes.js";
import type { Subject } from "./subject.js";

/** All of `count` places. */
export const every = (count: number): Int32Array => Int32Array.from({ length: count }, (_, place) => place);

/**
 * Which clips a probe is fitted on, and on which its strength or learning rate is chosen: the validation clips; where
 * there are none, or they are what is evaluated, a fifth of the training clips, which are then not fitted on.
 *
 * @returns `fitted`: places of training clips. `chosen`: places of the clips of `from` that choose; `source` names them.
 * `isSingle`: every clip that is looked at has one label
 * @throws KdcError for training clips of one class, labels that no training clip has, a clip without a label
 */
export function choosingClips({ sets, split, ...given }: Pick<Subject, "sets" | "split" | "kinds">) {
  const { train, validation } = sets;
  const { kinds = kindsOf(train.items.flatMap(({ labels }) => labels)) } = given;
  const isGiven = split !== "validation" && validation.items.length > 0;
  const looked = [...new Set(["train" as const, split, ...(isGiven ? ["validation" as const] : [])])];
  for (const name of looked) {
    expectClasses(name === "train" ? "training clips" : `${name} clips`, sets[name].items, kinds, "any");
  }
  const isSingle = looked.every((name) => sets[name].items.every(({ labels }) => labels.length === 1));
  const first = train.items.map(({ labels: [label] }) => label);
  const { kept, held } = holdOut(labelIndices(kinds, first));
  const all = every(train.items.length);
  // Where every class has one clip, none can be spared.
  const [from, fitted, chosen, source] = isGiven
    ? (["validation", all, every(validation.items.length), "the validation clips"] as const)
    : held.length > 0
      ? (["train", kept, held, "a fifth of the training clips, which it is not fitted on"] as const)
      : (["train", all, all, "the training clips"] as const);
  return { kinds, isSingle, from, fitted, chosen, source };
}
