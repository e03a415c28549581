import { basename } from "node:path";
import { type Protocol, takeRows, type VggSounderClip, vggSounder } from "@kdc-mae/eval";
import type { ClassifierMode } from "@kdc-mae/model";
import { byRecording } from "../parts-of-recordings.js";
import { createPredictor } from "../predict.js";
import { type Carried, evaluatedSet, refuseModel, type Subject } from "./subject.js";
import { scoredClassifier } from "./takes.js";

const passes = { audio: "missing-visual", visual: "missing-audio", both: "multimodal" } as const satisfies Record<
  string,
  ClassifierMode
>;

/** A clip's name without folder and ending, as VGGSounder calls it: `---g-f_I2yQ_000001`. */
const nameOf = (id: string): string => basename(id).replace(/\.[a-z0-9]+$/i, "");

/**
 * A classifier of VGGSound's classes under VGGSounder's labels: with sound alone, with pictures alone, with both.
 *
 * @throws KdcError for clips none of which has any
 */
export async function sounderClips(protocol: Protocol, subject: Subject): Promise<Carried> {
  const {
    saved,
    execute,
    cutting,
    leftOut,
    onProgress,
    signal,
    vggsounder = new Map<string, VggSounderClip>(),
  } = subject;
  const { config, params, classes } = scoredClassifier(saved);
  const set = evaluatedSet(subject);
  const found = set.items.map(({ id }) => vggsounder.get(id) ?? vggsounder.get(nameOf(id)));
  const kept = [...found.keys()].filter((clip) => found[clip] !== undefined);
  if (kept.length === 0) {
    refuseModel(
      protocol.name,
      `none of the ${set.items.length} clips is in it, such as ${set.items[0]?.id ?? "none"}`,
      "Give VGGSound's test clips, named by id and start: ---g-f_I2yQ_000001",
    );
  }
  const scores = { audio: undefined, visual: undefined, both: undefined } as Record<
    keyof typeof passes,
    ReturnType<typeof takeRows> | undefined
  >;
  for (const [given, mode] of Object.entries(passes) as [keyof typeof passes, ClassifierMode][]) {
    const predictor = createPredictor(execute, {
      ...{ config, mode, link: "softmax", frames: "middle", cutting },
    });
    try {
      const told = (done: number) => onProgress(`${protocol.name}, ${mode}: ${done}/${set.items.length}`);
      scores[given] = takeRows((await predictor.predict(params, set, told, signal)).scores, kept);
    } finally {
      await predictor.dispose();
    }
  }
  const absent = found.length - kept.length;
  return {
    head: "vggsounder",
    ids: kept.map((clip) => set.items[clip].id),
    result: vggSounder({
      kinds: classes,
      scores: scores as Parameters<typeof vggSounder>[0]["scores"],
      clips: kept.flatMap((clip) => found[clip] ?? []),
      protocol,
      ...byRecording(kept.map((clip) => set.items[clip])),
      leftOut: absent === 0 ? leftOut : { ...leftOut, "not-in-vggsounder": absent },
    }),
  };
}
