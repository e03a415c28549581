import type { FloatTensor } from "@kdc-mae/core";
import { windowStart } from "@kdc-mae/data";
import { createModelRunner } from "@kdc-mae/engine";
import type { LocalizationClip } from "@kdc-mae/eval";
import { framesIn } from "../../corpus/clip-form.js";
import type { ClipSet } from "../../corpus/clip-set.js";
import { framesHeard } from "../../run/pairing.js";
import { boxesOf } from "../boxes.js";
import { filled, rowOf } from "../embed-clips.js";
import { columnsNear, type Moments, meanRows, momentsFunction } from "../moments.js";
import { type Subject, sharedOf } from "./subject.js";

/** Every frame of every clip that has boxes, each with the sound within so many seconds of it. */
export async function* timeSteps(clips: ClipSet, subject: Subject, near: number): AsyncGenerator<LocalizationClip> {
  const { saved, execute, cutting } = subject;
  const { config, params } = sharedOf(saved);
  const { audio: sound } = cutting.form;
  const seconds = framesHeard(config) / framesIn(1);
  const { visual: grid, audio, embedDim } = config;
  const size = grid.rows * grid.patch;
  const runner = createModelRunner(execute, momentsFunction(config), { encoder: params.encoder });

  async function* groups() {
    let done = 0;
    for await (const clip of clips.read()) {
      subject.signal?.throwIfAborted();
      subject.onProgress(`localization over time: ${++done}/${clips.items.length}`);
      const frames = clip.item.boxes === undefined ? [] : [...clip.frames.keys()];
      for (let from = 0; from < frames.length; from += cutting.batch) {
        const own = frames.slice(from, from + cutting.batch);
        const shown = filled(own, cutting.batch).map((picture) => ({ clip, picture }));
        yield { clip, own, shown, isLast: from + own.length === frames.length };
      }
    }
  }

  let steps: LocalizationClip["steps"][number][] = [];
  try {
    for await (const { clip, own, isLast, patches } of cutting.cutter.ahead(groups())) {
      const { moments, tokens } = (await runner.run({ patches })) as Record<keyof Moments, FloatTensor>;
      for (const [at, frame] of own.entries()) {
        const time = clip.times[frame];
        const within = time - windowStart(sound, time) / framesIn(1);
        steps.push({
          time,
          audio: meanRows(rowOf(moments, at), columnsNear(within, audio.columns, seconds, near), embedDim),
          visual: { shape: [grid.rows * grid.columns, embedDim], data: rowOf(tokens, at) },
          boxes: boxesOf(clip, size, time),
        });
      }
      if (!isLast) continue;
      yield { id: clip.item.id, steps };
      steps = [];
    }
  } finally {
    await runner.dispose();
  }
}
