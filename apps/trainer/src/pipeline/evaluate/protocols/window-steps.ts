import type { StoredClip } from "@kdc-mae/data";
import type { LocalizationClip } from "@kdc-mae/eval";
import type { ClipSet } from "../../corpus/clip-set.js";
import { boxesOf } from "../boxes.js";
import { embedMoments } from "../sound-windows.js";
import { type Subject, sharedOf } from "./subject.js";

/** Clips embedded together: the program is made once for them. */
const TOGETHER = 64;

/** Every frame of every clip that has boxes, each with the stretch of sound around it, such a share of it hidden. */
export async function* windowSteps(clips: ClipSet, subject: Subject, hidden: number): AsyncGenerator<LocalizationClip> {
  const { config, params } = sharedOf(subject.saved);
  const size = config.visual.rows * config.visual.patch;
  const model = { execute: subject.execute, config, params };

  async function* stepsOf(group: readonly StoredClip[]): AsyncGenerator<LocalizationClip> {
    const moments = await embedMoments(group, model, subject.cutting, hidden);
    for (const clip of group) {
      const steps = moments
        .filter((moment) => moment.clip === clip)
        .map(({ frame, audio, tokens }) => {
          const time = clip.times[frame];
          return { time, audio, visual: tokens, boxes: boxesOf(clip, size, time) };
        });
      yield { id: clip.item.id, steps };
    }
  }

  let group: StoredClip[] = [];
  let done = 0;
  for await (const clip of clips.read()) {
    subject.signal?.throwIfAborted();
    subject.onProgress(`localization by sound windows: ${++done}/${clips.items.length}`);
    if (clip.item.boxes === undefined) continue;
    group.push(clip);
    if (group.length < TOGETHER) continue;
    yield* stepsOf(group);
    group = [];
  }
  if (group.length > 0) yield* stepsOf(group);
}
