import { heldInWords, holdOut, kindsOf, labelIndices, recordingNumbers } from "@kdc-mae/eval";
import { expectClasses } from "../../finetune/classes.js";
import { recordingOf } from "../parts-of-recordings.js";
import type { Subject } from "./subject.js";

/** All of `count` places. */
export const every = (count: number): Int32Array => Int32Array.from({ length: count }, (_, place) => place);

/**
 * Which clips a probe is fitted on, and on which its strength or learning rate is chosen: the validation clips; where
 * there are none, or they are what is evaluated, a fifth of the training recordings, whose clips are then not fitted on.
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
  const all = every(train.items.length);
  if (isGiven) {
    const chosen = every(validation.items.length);
    return { kinds, isSingle, from: "validation", fitted: all, chosen, source: "the validation clips" } as const;
  }
  const recordings = recordingNumbers(train.items.map(recordingOf));
  const { kept, held } = holdOut(labelIndices(kinds, first), { recordings });
  const parts = held.length > 0 ? { fitted: kept, chosen: held } : { fitted: all, chosen: all };
  const source = heldInWords(held, train.items.length, recordings);
  return { kinds, isSingle, from: "train", ...parts, source } as const;
}
